import assert from "node:assert/strict";
import { backward, conv2d, type Conv2dOptions, conv2dPooled } from "../../autograd/mod.ts";
import { read, type Tensor, tensor } from "../../gpu/mod.ts";
import { conv2dReference, poolReference } from "../../kernels/conv2d/reference.ts";
import { conv2dParams, type Conv2dShape } from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";
import { drawnTensor } from "../support/drawn_tensor.ts";
import { relativeError } from "../support/relative_error.ts";
import { torchFixture } from "../support/torch_fixture.ts";
import { centralDifference, dot, type Scalar } from "./central_difference.ts";

/** Of float32 against float64, over whole gradients. */
const CLOSE = 1e-6;

async function assertClose(found: Tensor, wanted: ArrayLike<number>, what: string): Promise<void> {
  const error = relativeError(await read(found), wanted);
  assert.ok(error < CLOSE, `${what}: relative error ${error}`);
}

const fixture = torchFixture("convolution");
const torchShapes: readonly Conv2dShape[] = JSON.parse(fixture.metadata.conv2d);

for (const [index, shape] of torchShapes.entries()) {
  const { inChannels, outChannels, stride, padding, groups } = shape;
  const label = `${inChannels} to ${outChannels} channels in ${groups} groups, stride ${stride}`;
  Deno.test(`conv2d() and its gradients agree with PyTorch: case ${index}, ${label}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const [x, weight, bias, seed] = ["x", "weight", "bias", "dy"].map((name) => {
      const key = `conv2d.${index}.${name}`;
      return tensor(device, fixture.floats(key), [1, ...fixture.get(key).shape]);
    });
    const y = conv2d(x, weight, bias, { stride, padding, groups });
    const [dx, dw, db] = backward(y, [x, weight, bias], { seed }).values();
    for (const [name, found] of Object.entries({ y, dx, dw, db })) {
      const { shape } = fixture.get(`conv2d.${index}.${name}`);
      assert.deepEqual(found.shape, [1, ...shape], name);
      await assertClose(found, fixture.floats(`conv2d.${index}.${name}`), name);
    }
  });
}

interface GroupedCase {
  readonly title: string;
  readonly shape: Conv2dShape;
  readonly relu: boolean;
  readonly pooled?: true;
}

const small = {
  batch: 2,
  inHeight: 5,
  inWidth: 6,
  kernelHeight: 3,
  kernelWidth: 3,
  padding: 1,
} as const;

const GROUPED: readonly GroupedCase[] = [
  {
    title: "2 groups of 2 networks, ReLU",
    shape: { ...small, networks: 2, groups: 2, inChannels: 6, outChannels: 4 },
    relu: true,
  },
  {
    title: "depthwise, 3 networks, stride 2",
    shape: { ...small, networks: 3, groups: 4, inChannels: 4, outChannels: 4, stride: 2 },
    relu: false,
  },
  {
    title: "depthwise to 3 channels each, input shared by 2 networks, ReLU",
    shape: { ...small, networks: 2, sharedInput: true, groups: 2, inChannels: 2, outChannels: 6 },
    relu: true,
  },
  {
    title: "2 groups of 2 networks, ReLU, pooled",
    shape: { ...small, networks: 2, groups: 2, inChannels: 4, outChannels: 6 },
    relu: true,
    pooled: true,
  },
  {
    title: "depthwise, 2 networks, pooled",
    shape: { ...small, networks: 2, groups: 3, inChannels: 3, outChannels: 3 },
    relu: false,
    pooled: true,
  },
];

for (const { title, shape, relu, pooled } of GROUPED) {
  const op = pooled ? conv2dPooled : conv2d;
  Deno.test(`${op.name}() in groups and its gradients equal float64: ${title}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const { networks = 1, sharedInput = false, batch, groups = 1, inChannels, outChannels } = shape;
    const { inHeight, inWidth, kernelHeight, kernelWidth, stride, padding } = shape;
    const copies = sharedInput ? 1 : networks;
    const [x, x64] = drawnTensor(device, [copies, batch, inChannels, inHeight, inWidth], 1);
    const taps = [inChannels / groups, kernelHeight, kernelWidth];
    const [weight, weight64] = drawnTensor(device, [networks, outChannels, ...taps], 2);
    const [bias, bias64] = drawnTensor(device, [networks, outChannels], 3);

    const params = conv2dParams(shape);
    const constants = { RELU: relu ? 1 : 0 };
    const y64 = (inputs: Parameters<Scalar>[0]): Float64Array => {
      const { y } = conv2dReference(inputs, params, constants, "forward");
      return pooled ? poolReference(y, params, constants).pooled : y;
    };
    const values = { x: x64, weight: weight64, bias: bias64 };
    const options: Conv2dOptions = { stride, padding, groups, relu };
    const y = op(x, weight, bias, options);
    await assertClose(y, y64(values), "y");

    const [seed, seed64] = drawnTensor(device, y.shape, 4);
    const by = { ...sharedInput ? {} : { x }, weight, bias };
    const gradients = backward(y, Object.values(by), { seed });
    for (const [name, parameter] of Object.entries(by)) {
      const wanted = centralDifference((v) => dot(seed64, y64(v)), values, name);
      assert.deepEqual(gradients.get(parameter)!.shape, parameter.shape);
      await assertClose(gradients.get(parameter)!, wanted, name);
    }
  });
}

Deno.test("conv2d() refuses groups that do not divide the channels", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const [x] = drawnTensor(device, [1, 1, 4, 3, 3], 1);
  const [weight] = drawnTensor(device, [1, 3, 2, 1, 1], 2);
  assert.throws(() => conv2d(x, weight, undefined, { groups: 2 }), {
    name: "RangeError",
    message:
      "Cannot convolve in 2 groups: they must divide the channels: of x they are 4, of the " +
      "output 3",
  });
  assert.throws(() => conv2d(x, weight, undefined), {
    name: "RangeError",
    message:
      "Cannot convolve: shapes must be x [networks or 1, rows, inChannels, height, width], " +
      "weight [networks, outChannels, inChannels / groups, height, width], bias [networks, " +
      "outChannels]: x is [1, 1, 4, 3, 3], weight [1, 3, 2, 1, 1], bias none, groups 1",
  });
});
