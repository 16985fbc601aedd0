import { defineKernels, type Kernels, linearGrid } from "../../gpu/mod.ts";
import { CONV2D_PARAMS, conv2dCases, conv2dFlops, conv2dLengths } from "../conv2d/spec.ts";
import { generateCodes } from "../integer_linear/generate_codes.ts";
import source from "./integer_conv2d.wgsl" with { type: "text" };

/** Columns of an invocation, as the shader's `COLUMNS`. */
const COLUMNS = 4;

/** A convolution of integer codes with int32 accumulators; params are those of `conv2dParams`. */
export const integerConv2dKernels: Kernels<"forward"> = defineKernels({
  name: "integer_conv2d",
  file: "kernels/integer_conv2d/integer_conv2d.wgsl",
  source,
  params: CONV2D_PARAMS,
  constants: { WORKGROUP_SIZE: 64 },
  lengths(p) {
    const { x, weight, bias, y } = conv2dLengths(p);
    return { x, weight, bias, xZero: p.networks, weightZero: bias, y };
  },
  entries: {
    forward: {
      reads: ["x", "weight", "bias", "xZero", "weightZero"],
      writes: ["y"],
      flops: conv2dFlops,
      loopIterations: (p) =>
        p.inChannels / p.groups * (1 + p.kernelHeight * (1 + p.kernelWidth)) + COLUMNS,
    },
  },
  workgroups: (p, { WORKGROUP_SIZE }) =>
    linearGrid(
      p.networks * p.batch * p.outChannels * p.outHeight * Math.ceil(p.outWidth / COLUMNS),
      WORKGROUP_SIZE,
    ),
  tolerance: "exact",
  generate: generateCodes,
  reference({ x, weight, bias, xZero, weightZero }, p) {
    const share = p.inChannels / p.groups;
    const taps = share * p.kernelHeight * p.kernelWidth;
    const planes = p.networks * p.batch * p.outChannels;
    const y = new Float64Array(planes * p.outHeight * p.outWidth);
    for (let i = 0; i < y.length; i++) {
      const column = i % p.outWidth * p.stride - p.padding;
      const row = Math.floor(i / p.outWidth) % p.outHeight * p.stride - p.padding;
      const plane = Math.floor(i / (p.outWidth * p.outHeight));
      const image = Math.floor(plane / p.outChannels);
      const network = Math.floor(image / p.batch);
      const o = plane % p.outChannels;
      const kernel = network * p.outChannels + o;
      const first = Math.floor(o / (p.outChannels / p.groups)) * share;
      let sum = bias[kernel];
      for (let tap = 0; tap < taps; tap++) {
        const r = row + Math.floor(tap / p.kernelWidth) % p.kernelHeight;
        const c = column + tap % p.kernelWidth;
        if (r < 0 || r >= p.inHeight || c < 0 || c >= p.inWidth) continue;
        const channel = first + Math.floor(tap / (p.kernelWidth * p.kernelHeight));
        const inPlane = image % p.batch * p.inChannels + channel;
        const at = network * p.xStride + (inPlane * p.inHeight + r) * p.inWidth + c;
        sum += (x[at] - xZero[network]) * (weight[kernel * taps + tap] - weightZero[kernel]);
      }
      y[i] = sum;
    }
    return { y };
  },
  cases: conv2dCases.cases.map(({ params }) => ({ params })),
  randomCase: (random) => ({ params: conv2dCases.randomCase!(random).params }),
  benchCases: conv2dCases.benchCases,
});
