import { jit, lax, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { submit, upload, waitForGpu } from "./jax_arrays.ts";
import type { Prepared } from "./peer.ts";
import {
  ADAM,
  CLASSES,
  type Inputs,
  oneHotInput,
  parameterNames,
  type Params,
} from "./workloads.ts";

type Arrays = Record<string, np.Array>;

/** What training changes; `t` counts the steps. */
type State = { parameters: Arrays; m: Arrays; v: Arrays; t: np.Array };

type Forward = (parameters: Arrays, images: np.Array) => np.Array;

function linear(parameters: Arrays, layer: string, x: np.Array): np.Array {
  return np.matmul(x, np.transpose(parameters[`${layer}.weight`])).add(parameters[`${layer}.bias`]);
}

const fullyConnected: Forward = (parameters, images) => {
  const hidden1 = nn.relu(linear(parameters, "fc1", images));
  const hidden2 = nn.relu(linear(parameters, "fc2", hidden1));
  return linear(parameters, "fc3", hidden2);
};

/** Convolution, ReLU, and the maximum of each 2 x 2: [b, ci, h, w] to [b, co, h / 2, w / 2]. */
function convolutionBlock(parameters: Arrays, layer: string, x: np.Array): np.Array {
  const weight = parameters[`${layer}.weight`];
  const channels = weight.shape[0];
  const convolved = lax.convGeneralDilated(x, weight, [1, 1], [[1, 1], [1, 1]]);
  const y = nn.relu(convolved.add(parameters[`${layer}.bias`].reshape([channels, 1, 1])));
  const [batch, , height, width] = y.shape;
  return np.max(y.reshape([batch, channels, height / 2, 2, width / 2, 2]), [3, 5]);
}

const convolutional: Forward = (parameters, images) => {
  const pooled1 = convolutionBlock(parameters, "conv1", images);
  const pooled2 = convolutionBlock(parameters, "conv2", pooled1);
  return linear(parameters, "fc", pooled2.reshape([pooled2.shape[0], -1]));
};

/** Mean cross-entropy; `targets` is one-hot [batch, classes]. */
function crossEntropy(logits: np.Array, targets: np.Array): np.Array {
  const batch = logits.shape[0];
  return nn.logSoftmax(logits).mul(targets).sum().mul(-1 / batch);
}

/** One step of Adam on every parameter; `jit` fuses each update into one kernel an array. */
function adam({ parameters, m, v, t }: State, gradients: Arrays): State {
  const { learningRate, beta1, beta2, epsilon } = ADAM;
  const step = t.add(1);
  const correction1 = np.subtract(1, np.power(beta1, step.ref));
  const correction2 = np.subtract(1, np.power(beta2, step.ref));
  const next: State = { parameters: {}, m: {}, v: {}, t: step };
  for (const [name, gradient] of Object.entries(gradients)) {
    next.m[name] = m[name].mul(beta1).add(gradient.ref.mul(1 - beta1));
    next.v[name] = v[name].mul(beta2).add(np.square(gradient).mul(1 - beta2));
    const mean = next.m[name].ref.div(correction1.ref);
    const deviation = np.sqrt(next.v[name].ref.div(correction2.ref)).add(epsilon);
    next.parameters[name] = parameters[name].sub(mean.div(deviation).mul(learningRate));
  }
  correction1.dispose();
  correction2.dispose();
  return next;
}

/** Submits the state's pending work and keeps the state. */
function submitState(state: State): void {
  for (const leaf of tree.leaves(state) as np.Array[]) submit(leaf.ref);
}

/**
 * Prepares training steps on one batch: gradient and Adam in one `jit`.
 *
 * @param workload `fc_nn_step` or `cnn_step`.
 * @param params `steps` is how many losses the outputs hold.
 * @param inputs Images, labels and initial weights.
 * @returns The work; its output is `losses` [steps].
 */
export function prepareTraining(workload: string, { steps }: Params, inputs: Inputs): Prepared {
  const forward = workload === "cnn_step" ? convolutional : fullyConnected;
  const names = parameterNames(inputs);
  const lossAndGradient = valueAndGrad((parameters: Arrays, images: np.Array, targets: np.Array) =>
    crossEntropy(forward(parameters, images), targets)
  );
  const step = jit((state: State, images: np.Array, targets: np.Array): [np.Array, State] => {
    const [loss, gradients] = lossAndGradient(tree.ref(state.parameters), images, targets);
    return [loss, adam(state, gradients as Arrays)];
  });
  const images = upload(inputs.images);
  const targets = upload(oneHotInput(inputs.labels, CLASSES));
  const zeros = (): Arrays =>
    Object.fromEntries(names.map((name) => [name, np.zeros([...inputs[name].shape])]));
  let state: State = {
    parameters: Object.fromEntries(names.map((name) => [name, upload(inputs[name])])),
    m: zeros(),
    v: zeros(),
    t: np.array(0),
  };
  const advance = (): np.Array => {
    const [loss, next] = step(state, images.ref, targets.ref) as [np.Array, State];
    state = next;
    submitState(state);
    return loss;
  };
  return {
    submit: (times) => {
      for (let i = 0; i < times; i++) submit(advance());
    },
    wait: waitForGpu,
    outputs: async () => {
      const losses: number[] = [];
      for (let i = 0; i < steps; i++) losses.push((await advance().data())[0]);
      return { losses };
    },
    dispose: () => {
      tree.dispose(state);
      images.dispose();
      targets.dispose();
      step.dispose();
    },
  };
}

/**
 * Prepares one pass of FC_NN over all images, as one batch in one `jit`.
 *
 * @param inputs Images, labels and weights.
 * @returns The work; its outputs are `loss` [1] and `correct` [1].
 */
export function prepareEvaluation(inputs: Inputs): Prepared {
  const names = parameterNames(inputs);
  const evaluate = jit((parameters: Arrays, images: np.Array, labels: np.Array) => {
    const logits = fullyConnected(parameters, images);
    const right = np.equal(np.argmax(logits.ref, 1), labels.ref).astype(np.float32).sum();
    return [crossEntropy(logits, nn.oneHot(labels, CLASSES)), right];
  });
  const images = upload(inputs.images);
  const labels = np.array(Int32Array.from(inputs.labels.data));
  const parameters: Arrays = Object.fromEntries(names.map((name) => [name, upload(inputs[name])]));
  const call = () => evaluate(tree.ref(parameters), images.ref, labels.ref) as np.Array[];
  return {
    submit: (times) => {
      for (let i = 0; i < times; i++) call().forEach(submit);
    },
    wait: waitForGpu,
    outputs: async () => {
      const [loss, correct] = call();
      return { loss: await loss.data(), correct: await correct.data() };
    },
    dispose: () => {
      tree.dispose(parameters);
      images.dispose();
      labels.dispose();
      evaluate.dispose();
    },
  };
}
