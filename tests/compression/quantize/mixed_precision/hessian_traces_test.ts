import assert from "node:assert/strict";
import {
  estimateTrace,
  hessianSensitivity,
  hessianTraces,
  type NamedValues,
} from "../../../../compression/mod.ts";

/** The gradient of a quadratic form with curvature 1 to n, b's a hundredfold, and a cross term. */
function quadratic(networks: readonly NamedValues[]): Promise<NamedValues[]> {
  return Promise.resolve(networks.map(({ a, b }) => ({
    a: a.map((w, i) => (i + 1) * w + 0.5 * b[i % b.length]),
    b: b.map((w, i) => 100 * (i + 1) * w + 0.5 * a[i]),
  })));
}

const WEIGHTS = {
  a: Float32Array.of(0.5, -1, 2, 0.25),
  b: Float32Array.of(0.1, 0.3),
};

Deno.test("hessianTraces() is exact for diagonal curvature, whatever the signs and other weights", async () => {
  const { a, b } = await hessianTraces(WEIGHTS, quadratic, { samples: 3, seed: 1 });
  assert.ok(Math.abs(a.trace - 10) < 1e-3, `${a.trace}`);
  assert.ok(Math.abs(b.trace - 300) < 1e-2, `${b.trace}`);
  assert.ok(a.standardError < 1e-3);
});

Deno.test("hessianTraces() estimates the trace of a full matrix within its standard error", async () => {
  const gradients = (networks: readonly NamedValues[]) =>
    Promise.resolve(networks.map(({ w }) => ({
      w: w.map((_, i) => w.reduce((sum, x, j) => sum + x * (i === j ? 3 : 0.5), 0)),
    })));
  const options = { samples: 200, seed: 4 };
  const w = Float32Array.from({ length: 8 }, (_, i) => 0.1 * (i + 1));
  const { trace, standardError } = (await hessianTraces({ w }, gradients, options)).w;
  assert.ok(standardError > 0 && standardError < 1);
  assert.ok(Math.abs(trace - 24) < 4 * standardError, `${trace} +- ${standardError}`);
});

Deno.test("hessianTraces() refuses no samples, weights of nothing but 0, and gradients that are NaN", async () => {
  const broken = (options: { samples: number; seed: number; step?: number }, weights = WEIGHTS) =>
    hessianTraces(weights, quadratic, options);
  await assert.rejects(broken({ samples: 0, seed: 1 }), /samples must be a whole number from 1 on/);
  await assert.rejects(broken({ samples: 1, seed: 1, step: 0 }), /they are 1 and 0$/);
  await assert.rejects(
    broken({ samples: 1, seed: 1 }, { ...WEIGHTS, b: new Float32Array(2) }),
    /Cannot estimate the trace of "b"/,
  );
  const withNaN: typeof quadratic = async (networks) =>
    (await quadratic(networks)).map((one) => ({ ...one, b: one.b.with(1, NaN) }));
  await assert.rejects(
    hessianTraces(WEIGHTS, withNaN, { samples: 2, seed: 1 }),
    new RangeError(
      'Cannot estimate the trace of "b": there must be samples, all finite: one is NaN',
    ),
  );
  assert.throws(() => estimateTrace([1, NaN]), /all finite: one is NaN$/);
  assert.throws(() => estimateTrace([]), /there is none$/);
});

Deno.test("hessianSensitivity() is the mean curvature times the squared rounding error", () => {
  const w = Float32Array.of(1, 2, 3, 4);
  assert.equal(hessianSensitivity(8, w, Float32Array.of(1.5, 2, 3, 3)), 2 * 1.25);
  assert.throws(() => hessianSensitivity(8, w, new Float32Array(3)), /there are 3 and 4$/);
});

Deno.test("hessianSensitivity() of a trace below 0 is 0, not a gain", () => {
  const [values, rounded] = [Float32Array.of(1, 2), Float32Array.of(1.5, 1)];
  assert.equal(hessianSensitivity(-0.5, values, rounded), 0);
  assert.ok(hessianSensitivity(0.5, values, rounded) > 0);
});
