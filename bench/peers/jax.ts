import { defaultDevice, getWebGPUDevice, grad, init, jit, lax, numpy as np } from "@jax-js/jax";
import { submit, upload, waitForGpu } from "./jax_arrays.ts";
import { prepareEvaluation, prepareTraining } from "./jax_networks.ts";
import { UnsupportedError } from "./protocol.ts";
import type { Peer, Prepared } from "./peer.ts";
import type { Inputs, Params } from "./workloads.ts";

type Operation = (...inputs: np.Array[]) => np.Array;

function convolve(x: np.Array, w: np.Array): np.Array {
  return lax.convGeneralDilated(x, w, [1, 1], [[1, 1], [1, 1]]);
}

/** The gradient of a convolution, as `grad` makes it; `jit` drops the forward pass that it needs not. */
const convolutionGradient = (argnums: number): Operation => (x, w, dy) =>
  grad(
    (x: np.Array, w: np.Array, dy: np.Array) => convolve(x, w).mul(dy).sum(),
    { argnums },
  )(x, w, dy) as np.Array;

function fakeQuantize({ scale, inverseScale, zeroPoint, qMin, qMax }: Params): Operation {
  return (x) =>
    np.clip(np.round(x.mul(inverseScale)).add(zeroPoint), qMin, qMax).sub(zeroPoint).mul(scale);
}

/** Workloads that are one function of the inputs: the function, the inputs, the output's name. */
const operations: Readonly<
  Record<string, readonly [(params: Params) => Operation, readonly string[], string]>
> = {
  matmul: [() => (a, b) => np.matmul(a, b), ["a", "b"], "y"],
  conv2d: [() => convolve, ["x", "w"], "y"],
  conv2d_input_gradient: [() => convolutionGradient(0), ["x", "w", "dy"], "dx"],
  conv2d_weight_gradient: [() => convolutionGradient(1), ["x", "w", "dy"], "dw"],
  fake_quantize: [fakeQuantize, ["x"], "y"],
};

function prepareOperation(workload: string, params: Params, inputs: Inputs): Prepared {
  const [make, names, output] = operations[workload];
  const compiled = jit(make(params));
  const uploaded = names.map((name) => upload(inputs[name]));
  const call = (): np.Array => compiled(...uploaded.map((array) => array.ref)) as np.Array;
  return {
    submit: (times) => {
      for (let i = 0; i < times; i++) submit(call());
    },
    wait: waitForGpu,
    outputs: async () => ({ [output]: await call().data() as Float32Array }),
    dispose: () => {
      uploaded.forEach((array) => array.dispose());
      compiled.dispose();
    },
  };
}

/**
 * Starts jax-js on WebGPU.
 *
 * @returns The library, with `jit` for every workload.
 * @throws {Error} If it finds no adapter.
 */
export async function openJax(): Promise<Peer> {
  if (!(await init("webgpu")).includes("webgpu")) {
    throw new Error("Cannot start jax-js: it found no WebGPU adapter");
  }
  defaultDevice("webgpu");
  const device = getWebGPUDevice();
  return {
    adapter: device.adapterInfo.description || device.adapterInfo.device,
    device,
    prepare(workload, params, inputs) {
      if (Object.hasOwn(operations, workload)) {
        return Promise.resolve(prepareOperation(workload, params, inputs));
      }
      if (workload === "fc_nn_step" || workload === "cnn_step") {
        return Promise.resolve(prepareTraining(workload, params, inputs));
      }
      if (workload === "fc_nn_evaluation") return Promise.resolve(prepareEvaluation(inputs));
      throw new UnsupportedError(`Cannot run "${workload}" in jax-js: no such operation is known`);
    },
  };
}
