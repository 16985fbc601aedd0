import assert from "node:assert/strict";
import { streamKey, uniformAt } from "../../kernels/random_source.ts";
import { permute } from "./permute.ts";
import {
  type Answer,
  type Greeting,
  type Measurement,
  parseRequest,
  type PeerName,
  peerVersions,
  type SampledOutput,
} from "./protocol.ts";
import { drawLabels, drawSigned, drawUnit } from "./random.ts";
import { type Inputs, type Params, workloads } from "./workloads.ts";

type Expected = Readonly<Record<string, Float64Array>>;

/** Small numbers for every workload, so that loops in float64 can say what is right. */
const small: Readonly<Record<string, Params>> = {
  matmul: { m: 5, n: 7, k: 9 },
  conv2d: { batch: 2, inputChannels: 3, outputChannels: 4, size: 5 },
  conv2d_input_gradient: { batch: 2, inputChannels: 3, outputChannels: 4, size: 5 },
  conv2d_weight_gradient: { batch: 2, inputChannels: 3, outputChannels: 4, size: 5 },
  fake_quantize: { size: 1000 },
  fc_nn_evaluation: { images: 20 },
  fc_nn_step: { batch: 8, steps: 3 },
  cnn_step: { batch: 4, steps: 3 },
  haar_2d: { size: 6 },
  haar_2d_inverse: { size: 6 },
};

function matmul({ m, n, k }: Params, { a, b }: Inputs): Expected {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < k; p++) y[i * n + j] += a.data[i * k + p] * b.data[p * n + j];
    }
  }
  return { y };
}

/** All three arrays of a convolution at once: every product x w belongs to one y, and so on. */
function convolution(params: Params, { x, w, dy }: Inputs): Expected {
  const { batch, inputChannels, outputChannels, size } = params;
  const y = new Float64Array(dy.data.length);
  const dx = new Float64Array(x.data.length);
  const dw = new Float64Array(w.data.length);
  for (let b = 0; b < batch; b++) {
    for (let o = 0; o < outputChannels; o++) {
      for (let c = 0; c < inputChannels; c++) {
        for (let i = 0; i < size * size * 9; i++) {
          const tap = i % 9, at = Math.floor(i / 9);
          const row = Math.floor(at / size) + Math.floor(tap / 3) - 1;
          const column = at % size + tap % 3 - 1;
          if (row < 0 || row >= size || column < 0 || column >= size) continue;
          const xi = ((b * inputChannels + c) * size + row) * size + column;
          const wi = (o * inputChannels + c) * 9 + tap;
          const yi = (b * outputChannels + o) * size * size + at;
          y[yi] += x.data[xi] * w.data[wi];
          dx[xi] += dy.data[yi] * w.data[wi];
          dw[wi] += dy.data[yi] * x.data[xi];
        }
      }
    }
  }
  return { y, dx, dw };
}

function evaluation({ images }: Params, inputs: Inputs): Expected {
  let loss = 0, correct = 0;
  for (let image = 0; image < images; image++) {
    let x = Array.from(inputs.images.data.subarray(image * 784, (image + 1) * 784));
    for (const layer of ["fc1", "fc2", "fc3"]) {
      const weight = inputs[`${layer}.weight`].data, bias = inputs[`${layer}.bias`].data;
      x = Array.from(bias, (start, unit) => {
        const sum = x.reduce((sum, value, i) => sum + value * weight[unit * x.length + i], start);
        return layer === "fc3" ? sum : Math.max(0, sum);
      });
    }
    const label = inputs.labels.data[image];
    loss += Math.log(x.reduce((sum, logit) => sum + Math.exp(logit), 0)) - x[label];
    if (x.indexOf(Math.max(...x)) === label) correct++;
  }
  return { loss: Float64Array.of(loss / images), correct: Float64Array.of(correct) };
}

function fakeQuantize(params: Params, { x }: Inputs): Expected {
  const { scale, inverseScale, zeroPoint, qMin, qMax } = params;
  const roundToEven = (v: number) => {
    const rounded = Math.round(v);
    return rounded - v === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
  };
  const quantized = Float64Array.from(x.data, (value) => {
    const q = roundToEven(Math.fround(value * inverseScale)) + zeroPoint;
    return Math.fround((Math.min(qMax, Math.max(qMin, q)) - zeroPoint) * Math.fround(scale));
  });
  return { y: quantized };
}

/** Bands by the signs that they give to the left and the upper pixels of each 2 x 2. */
const HAAR_SIGNS = {
  approximation: [1, 1],
  horizontal: [1, -1],
  vertical: [-1, 1],
  diagonal: [-1, -1],
} as const;

/** Both ways: bands from x, or y from bands. */
function haar({ size }: Params, inputs: Inputs): Expected {
  const half = size / 2;
  const bands: Record<string, Float64Array> = {};
  const y = new Float64Array(size * size);
  for (const [name, [across, down]] of Object.entries(HAAR_SIGNS)) {
    bands[name] = new Float64Array(half * half);
    for (let i = 0; i < size * size; i++) {
      const [row, column] = [Math.floor(i / size), i % size];
      const sign = (column % 2 === 0 ? 1 : across) * (row % 2 === 0 ? 1 : down);
      const at = Math.floor(row / 2) * half + Math.floor(column / 2);
      if ("x" in inputs) bands[name][at] += sign * inputs.x.data[i] / 2;
      else y[i] += sign * inputs[name].data[at] / 2;
    }
  }
  return "x" in inputs ? bands : { y };
}

const references: Readonly<Record<string, (params: Params, inputs: Inputs) => Expected>> = {
  matmul,
  conv2d: convolution,
  conv2d_input_gradient: convolution,
  conv2d_weight_gradient: convolution,
  fc_nn_evaluation: evaluation,
  fake_quantize: fakeQuantize,
  haar_2d: haar,
  haar_2d_inverse: haar,
};

function assertClose(actual: number, expected: number, place: string): void {
  const allowed = 1e-4 + 1e-4 * Math.abs(expected);
  assert.ok(Math.abs(actual - expected) <= allowed, `${place}: ${actual} is not ${expected}`);
}

function assertSame(name: string, actual: SampledOutput, expected: Float64Array): void {
  assert.equal(actual.length, expected.length, name);
  actual.indices.forEach((place, i) =>
    assertClose(actual.values[i], expected[place], `${name}[${place}]`)
  );
  assertClose(actual.sum, expected.reduce((sum, value) => sum + value, 0), `sum of ${name}`);
}

const MAIN = [Deno.execPath(), "run", "--no-prompt", "--frozen", "--allow-env", "main.ts"];

/** Starts a process, sends all lines at once and gives what it wrote. */
async function converse(
  lines: readonly string[],
  [program, ...args]: readonly string[] = MAIN,
): Promise<[Greeting, ...Answer[]]> {
  const child = new Deno.Command(program, {
    args,
    cwd: new URL(".", import.meta.url),
    env: { DENO_WEBGPU_BACKEND: "vulkan" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(lines.join("\n") + "\n"));
  await input.close();
  const { code, stdout } = await child.output();
  assert.equal(code, 0);
  const written = new TextDecoder().decode(stdout).trimEnd().split("\n");
  return written.map((line) => JSON.parse(line)) as [Greeting, ...Answer[]];
}

Deno.test("drawUnit() draws the numbers of kernels/random_source.ts", () => {
  const key = streamKey(7, 3);
  const expected = Array.from({ length: 100 }, (_, i) => uniformAt(key, i));
  assert.deepEqual(Array.from(drawUnit(7, 3, 100)), expected);
  assert.deepEqual(Array.from(drawSigned(7, 3, 100)), expected.map((u) => 2 * u - 1));
  assert.deepEqual(
    Array.from(drawLabels(7, 3, 100, 10)),
    expected.map((u) => Math.floor(10 * u)),
  );
});

Deno.test("permute() is undone by the inverse order", () => {
  const data = drawUnit(1, 0, 2 * 3 * 4 * 5);
  const there = permute(data, [2, 3, 4, 5], [0, 2, 3, 1]);
  assert.equal(there[1], data[20]);
  assert.deepEqual(permute(there, [2, 4, 5, 3], [0, 3, 1, 2]), data);
});

Deno.test("parseRequest() names what it does not know", () => {
  assert.throws(() => parseRequest("null"), /must be a JSON object: null$/);
  assert.throws(() => parseRequest('{"peer":"numpy","workload":"matmul"}'), /numpy$/);
  assert.throws(() => parseRequest('{"peer":"tfjs","workload":"sort"}'), /sort$/);
  assert.throws(
    () => parseRequest('{"peer":"tfjs","workload":"matmul","params":{"q":1}}'),
    /params must be of m, n, k: q$/,
  );
  const { params } = parseRequest('{"peer":"tfjs","workload":"matmul","params":{"m":3}}');
  assert.deepEqual(params, { m: 3, n: 256, k: 256 });
});

/** Workloads of a peer, or of the libraries on WebGPU. */
function workloadsOf(peer: PeerName | undefined): string[] {
  return Object.keys(workloads).filter((name) => {
    const { peers } = workloads[name];
    return peer === undefined ? peers === undefined : peers?.includes(peer);
  });
}

function assertRight({ peer, outputs }: Measurement, workload: string, seed: number): void {
  const params = { ...workloads[workload].defaults, ...small[workload] };
  const expected = references[workload](params, workloads[workload].inputs(params, seed));
  assert.ok(Object.keys(outputs).length > 0);
  for (const [name, output] of Object.entries(outputs)) {
    assertSame(`${peer} ${workload} ${name}`, output, expected[name]);
  }
}

Deno.test("main.ts answers every workload of every peer with the right numbers", async () => {
  const peers = Object.keys(peerVersions);
  const requests = workloadsOf(undefined).flatMap((workload) =>
    peers.map((peer) => ({ peer, workload, params: small[workload], seed: 5, minimumSeconds: 0 }))
  );
  const [greeting, ...answers] = await converse(requests.map((one) => JSON.stringify(one)));
  assert.deepEqual(greeting.peers, peerVersions);
  assert.equal(answers.length, requests.length);
  const losses = new Map<string, readonly number[]>();
  answers.forEach((answer, i) => {
    const { workload, peer, seed } = requests[i];
    assert.ok(answer.ok, JSON.stringify(answer));
    if (workload in references) assertRight(answer, workload, seed);
    else losses.set(`${workload} ${peer}`, answer.outputs.losses.values);
  });
  for (const workload of ["fc_nn_step", "cnn_step"]) {
    const [jax, tfjs] = peers.map((peer) => losses.get(`${workload} ${peer}`)!);
    assert.ok(jax[2] < jax[0], `${workload} learns: ${jax}`);
    jax.forEach((loss, i) => assertClose(tfjs[i], loss, `${workload} loss ${i}`));
  }
});

Deno.test("main.ts times the same workload twice without preparing it again, and outlives errors", async () => {
  const request = JSON.stringify({
    peer: "jax-js",
    workload: "matmul",
    params: { m: 64, n: 64, k: 64 },
    minimumSeconds: 0.1,
  });
  const [, first, failure, second] = await converse([request, "no JSON", request]);
  assert.ok(!failure.ok && !failure.unsupported);
  for (const answer of [first, second]) {
    assert.ok(answer.ok);
    const { median_ms, p10, p90, repetitions } = answer as Measurement;
    assert.ok(p10! > 0 && p10! <= median_ms! && median_ms! <= p90! && repetitions > 1);
  }
  assert.deepEqual((first as Measurement).outputs, (second as Measurement).outputs);
});

const pythonIsThere = await new Deno.Command("python3", {
  args: ["-c", "import numpy, pywt"],
  stderr: "null",
}).output().then(({ success }) => success, () => false);

Deno.test({
  name: "pywavelets.py transforms and times the inputs of random.ts, and outlives errors",
  ignore: !pythonIsThere, // needs a python3 with numpy and PyWavelets
  async fn() {
    const names = workloadsOf("PyWavelets");
    const request = (workload: string, more: object) =>
      JSON.stringify({ peer: "PyWavelets", workload, params: small[workload], seed: 5, ...more });
    const lines = [
      ...names.map((name) => request(name, { minimumSeconds: 0 })),
      "no JSON",
      request("matmul", {}),
      request("haar_2d", { minimumSeconds: 0.1 }),
    ];
    const [greeting, ...answers] = await converse(lines, ["python3", "pywavelets.py"]);
    assert.deepEqual(Object.keys(greeting.peers), ["PyWavelets"]);
    assert.deepEqual(
      greeting.workloads,
      Object.fromEntries(names.map((name) => [name, workloads[name].defaults])),
    );
    names.forEach((name, i) => assertRight(answers[i] as Measurement, name, 5));
    const [garbled, unknown, timed] = answers.slice(names.length);
    assert.ok(!garbled.ok && !garbled.unsupported);
    assert.ok(!unknown.ok && unknown.unsupported);
    const { median_ms, p10, p90, repetitions } = timed as Measurement;
    assert.ok(p10! > 0 && p10! <= median_ms! && median_ms! <= p90! && repetitions > 1);
  },
});
