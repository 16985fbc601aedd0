/**
 * What is right: loops in float64 over small numbers, for the tests of this folder.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Measurement, SampledOutput } from "./protocol.ts";
import { type Inputs, type Params, workloads } from "./workloads.ts";

type Expected = Readonly<Record<string, Float64Array>>;

/** Small numbers for every workload, so that loops in float64 can say what is right. */
export const small: Readonly<Record<string, Params>> = {
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

/** The outputs of a workload, and maybe more; training steps have none. */
export const references: Readonly<Record<string, (params: Params, inputs: Inputs) => Expected>> = {
  matmul,
  conv2d: convolution,
  conv2d_input_gradient: convolution,
  conv2d_weight_gradient: convolution,
  fc_nn_evaluation: evaluation,
  fake_quantize: fakeQuantize,
  haar_2d: haar,
  haar_2d_inverse: haar,
};

/**
 * Fails if two numbers differ by more than sums of floats do.
 *
 * @param actual What was computed.
 * @param expected What is right.
 * @param place What it is, for the message.
 */
export function assertClose(actual: number, expected: number, place: string): void {
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

/**
 * Fails if a measurement holds other outputs than the reference gives for the small numbers.
 *
 * @param measurement The answer of a peer.
 * @param workload One that has a reference.
 * @param seed Of the request.
 */
export function assertRight({ peer, outputs }: Measurement, workload: string, seed: number): void {
  const params = { ...workloads[workload].defaults, ...small[workload] };
  const expected = references[workload](params, workloads[workload].inputs(params, seed));
  assert.ok(Object.keys(outputs).length > 0);
  for (const [name, output] of Object.entries(outputs)) {
    assertSame(`${peer} ${workload} ${name}`, output, expected[name]);
  }
}
