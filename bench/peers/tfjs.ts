import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-webgpu";
import type { Peer, Prepared } from "./peer.ts";
import { permute } from "./permute.ts";
import { UnsupportedError } from "./protocol.ts";
import { setFlags } from "./tfjs_flags.ts";
import { prepareEvaluation, prepareTraining } from "./tfjs_networks.ts";
import {
  HWIO_TO_OIHW,
  NCHW_TO_NHWC,
  NHWC_TO_NCHW,
  OIHW_TO_HWIO,
  upload,
  waitForGpu,
  webgpuBackend,
} from "./tfjs_tensors.ts";
import type { Inputs, Params } from "./workloads.ts";

/** A workload that is a function of tensors. */
interface Operation {
  /** Inputs it takes, each with the order of its axes. */
  readonly inputs: Readonly<Record<string, readonly number[] | undefined>>;
  readonly output: string;
  /** Order of axes that brings the output back into the layout of `workloads.ts`. */
  readonly outputOrder?: readonly number[];
  readonly make: (params: Params) => (...inputs: tf.Tensor[]) => tf.Tensor;
}

function imageShape({ batch, inputChannels, size }: Params): [number, number, number, number] {
  return [batch, size, size, inputChannels];
}

const operations: Readonly<Record<string, Operation>> = {
  matmul: {
    inputs: { a: undefined, b: undefined },
    output: "y",
    make: () => (a, b) => tf.matMul(a, b),
  },
  conv2d: {
    inputs: { x: NCHW_TO_NHWC, w: OIHW_TO_HWIO },
    output: "y",
    outputOrder: NHWC_TO_NCHW,
    make: () => (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same"),
  },
  conv2d_input_gradient: {
    inputs: { dy: NCHW_TO_NHWC, w: OIHW_TO_HWIO },
    output: "dx",
    outputOrder: NHWC_TO_NCHW,
    make: (params) => (dy, w) =>
      tf.conv2dTranspose(dy as tf.Tensor4D, w as tf.Tensor4D, imageShape(params), 1, "same"),
  },
  conv2d_weight_gradient: {
    inputs: { x: NCHW_TO_NHWC, dy: NCHW_TO_NHWC },
    output: "dw",
    outputOrder: HWIO_TO_OIHW,
    make: ({ inputChannels, outputChannels }) => (x, dy) =>
      tf.engine().runKernel("Conv2DBackpropFilter", { x, dy }, {
        strides: [1, 1],
        pad: "same",
        dataFormat: "NHWC",
        filterShape: [3, 3, inputChannels, outputChannels],
      }) as tf.Tensor,
  },
  fake_quantize: {
    inputs: { x: undefined },
    output: "y",
    // clamping around the zero point gives the same numbers with two passes over memory fewer
    make: ({ scale, inverseScale, zeroPoint, qMin, qMax }) => (x) =>
      tf.mul(
        tf.clipByValue(tf.round(tf.mul(x, inverseScale)), qMin - zeroPoint, qMax - zeroPoint),
        scale,
      ),
  },
};

function prepareOperation(workload: string, params: Params, inputs: Inputs): Prepared {
  const { inputs: orders, output, outputOrder, make } = operations[workload];
  const uploaded = Object.entries(orders).map(([name, order]) => upload(inputs[name], order));
  const operation = make(params);
  const call = (): tf.Tensor => tf.tidy(() => operation(...uploaded));
  return {
    submit: (times) => {
      for (let i = 0; i < times; i++) call().dispose();
    },
    wait: waitForGpu,
    outputs: async () => {
      const result = call();
      const data = await result.data() as Float32Array;
      result.dispose();
      return { [output]: outputOrder ? permute(data, result.shape, outputOrder) : data };
    },
    dispose: () => tf.dispose(uploaded),
  };
}

/**
 * Starts TensorFlow.js on WebGPU.
 *
 * @returns The library, each workload in the layout that it is made for.
 * @throws {Error} If it finds no adapter.
 */
export async function openTfjs(): Promise<Peer> {
  // without this the library reads "adapter.features" of null, and fails with those words
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter || !await tf.setBackend("webgpu")) {
    throw new Error("Cannot start TensorFlow.js: it found no WebGPU adapter");
  }
  const { device } = webgpuBackend();
  const isSoftware = device.adapterInfo.isFallbackAdapter;
  return {
    adapter: device.adapterInfo.description || device.adapterInfo.device,
    device,
    prepare(workload, params, inputs) {
      setFlags(isSoftware, workload, params);
      if (Object.hasOwn(operations, workload)) {
        return Promise.resolve(prepareOperation(workload, params, inputs));
      }
      if (workload === "fc_nn_step" || workload === "cnn_step") {
        return Promise.resolve(prepareTraining(workload, params, inputs));
      }
      if (workload === "fc_nn_evaluation") return Promise.resolve(prepareEvaluation(inputs));
      throw new UnsupportedError(
        `Cannot run "${workload}" in TensorFlow.js: no such operation is known`,
      );
    },
  };
}
