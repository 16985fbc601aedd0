import * as tf from "@tensorflow/tfjs";
import type { Prepared } from "./peer.ts";
import { permute } from "./permute.ts";
import { NCHW_TO_NHWC, OIHW_TO_HWIO, upload, waitForGpu } from "./tfjs_tensors.ts";
import {
  ADAM,
  CLASSES,
  type Inputs,
  oneHotInput,
  parameterNames,
  type Params,
} from "./workloads.ts";

type Tensors = Readonly<Record<string, tf.Tensor>>;

type Forward = (parameters: Tensors, images: tf.Tensor, activation: "relu" | "linear") => tf.Tensor;

/** A fused layer; while it records gradients the library can fuse the bias, but not the ReLU. */
function linear(
  parameters: Tensors,
  layer: string,
  x: tf.Tensor,
  activation: "relu" | "linear" = "linear",
): tf.Tensor {
  return tf.fused.matMul({
    a: x as tf.Tensor2D,
    b: parameters[`${layer}.weight`] as tf.Tensor2D,
    bias: parameters[`${layer}.bias`],
    activation,
  });
}

const fullyConnected: Forward = (parameters, images, activation) => {
  const after = (x: tf.Tensor) => activation === "relu" ? x : tf.relu(x);
  const hidden1 = after(linear(parameters, "fc1", images, activation));
  const hidden2 = after(linear(parameters, "fc2", hidden1, activation));
  return linear(parameters, "fc3", hidden2);
};

function convolutionBlock(parameters: Tensors, layer: string, x: tf.Tensor): tf.Tensor {
  const convolved = tf.fused.conv2d({
    x: x as tf.Tensor4D,
    filter: parameters[`${layer}.weight`] as tf.Tensor4D,
    strides: 1,
    pad: "same",
    bias: parameters[`${layer}.bias`],
    activation: "linear",
  });
  return tf.maxPool(tf.relu(convolved), 2, 2, "valid");
}

const convolutional: Forward = (parameters, images) => {
  const pooled1 = convolutionBlock(parameters, "conv1", images);
  const pooled2 = convolutionBlock(parameters, "conv2", pooled1);
  return linear(parameters, "fc", tf.reshape(pooled2, [images.shape[0], -1]));
};

/** Mean cross-entropy; `targets` is one-hot [batch, classes]. */
function crossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  const total = tf.sum(tf.mul(tf.logSoftmax(logits), targets));
  return tf.mul(total, -1 / logits.shape[0]) as tf.Scalar;
}

/** A parameter in the library's layout: weights are [input, output] and [3, 3, input, output]. */
function uploadParameter(name: string, inputs: Inputs): tf.Tensor {
  const { shape, data } = inputs[name];
  if (shape.length === 1) return upload(inputs[name]);
  if (shape.length === 4) return upload(inputs[name], OIHW_TO_HWIO);
  if (name !== "fc.weight") return upload(inputs[name], [1, 0]);
  // flattening [7, 7, 32] instead of [32, 7, 7] reorders the inputs of the last layer of the CNN
  const reordered = permute(data, [CLASSES, 32, 7, 7], [2, 3, 1, 0]);
  return tf.tensor(reordered, [7 * 7 * 32, CLASSES], "float32");
}

/**
 * Prepares training steps on one batch, with the library's own Adam.
 *
 * @param workload `fc_nn_step` or `cnn_step`.
 * @param params `steps` is how many losses the outputs hold.
 * @param inputs Images, labels and initial weights.
 * @returns The work; its output is `losses` [steps].
 */
export function prepareTraining(workload: string, { steps }: Params, inputs: Inputs): Prepared {
  const isConvolutional = workload === "cnn_step";
  const forward = isConvolutional ? convolutional : fullyConnected;
  const images = upload(inputs.images, isConvolutional ? NCHW_TO_NHWC : undefined);
  const targets = upload(oneHotInput(inputs.labels, CLASSES));
  const parameters: Record<string, tf.Variable> = {};
  for (const name of parameterNames(inputs)) {
    const initial = uploadParameter(name, inputs);
    parameters[name] = tf.variable(initial);
    initial.dispose();
  }
  const { learningRate, beta1, beta2, epsilon } = ADAM;
  const optimizer = tf.train.adam(learningRate, beta1, beta2, epsilon);
  const advance = (): tf.Scalar =>
    optimizer.minimize(
      () => tf.tidy(() => crossEntropy(forward(parameters, images, "linear"), targets)),
      true,
      Object.values(parameters),
    )!;
  return {
    submit: (times) => {
      for (let i = 0; i < times; i++) advance().dispose();
    },
    wait: waitForGpu,
    outputs: async () => {
      const losses: number[] = [];
      for (let i = 0; i < steps; i++) {
        const loss = advance();
        losses.push((await loss.data())[0]);
        loss.dispose();
      }
      return { losses };
    },
    dispose: () => {
      tf.dispose([images, targets, ...Object.values(parameters)]);
      optimizer.dispose();
    },
  };
}

/**
 * Prepares one pass of FC_NN over all images, as one batch.
 *
 * @param inputs Images, labels and weights.
 * @returns The work; its outputs are `loss` [1] and `correct` [1].
 */
export function prepareEvaluation(inputs: Inputs): Prepared {
  const images = upload(inputs.images);
  const targets = upload(oneHotInput(inputs.labels, CLASSES));
  const labels = tf.tensor1d(Int32Array.from(inputs.labels.data), "int32");
  const parameters: Record<string, tf.Tensor> = {};
  for (const name of parameterNames(inputs)) parameters[name] = uploadParameter(name, inputs);
  const call = (): tf.Tensor[] =>
    tf.tidy(() => {
      const logits = fullyConnected(parameters, images, "relu");
      const right = tf.equal(tf.argMax(logits, 1), labels);
      return [crossEntropy(logits, targets), tf.sum(tf.cast(right, "float32"))];
    });
  return {
    submit: (times) => {
      for (let i = 0; i < times; i++) tf.dispose(call());
    },
    wait: waitForGpu,
    outputs: async () => {
      const results = call();
      const [loss, correct] = await Promise.all(results.map((result) => result.data()));
      tf.dispose(results);
      return { loss, correct };
    },
    dispose: () => tf.dispose([images, targets, labels, ...Object.values(parameters)]),
  };
}
