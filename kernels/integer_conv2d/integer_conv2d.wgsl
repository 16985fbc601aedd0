// integer_conv2d: convolution of integer codes, direct form, in int32.
//
//   y[p, n, o, oy, ox] = bias[p, o] + sum over c, ky, kx of
//                          (x[p, n, g share + c, oy stride + ky - padding, ox stride + kx - padding]
//                            - xZero[p]) (weight[p, o, c, ky, kx] - weightZero[p, o])
//
// where share = inChannels / groups and g is the group of o. Beyond the edges x stands for the real
// number 0, which is xZero: the padding contributes nothing.
//
// x            [networks or 1, batch, inChannels, inHeight, inWidth]: integer codes; xStride elements
//              lie between networks, 0 where all share them
// weight       [networks, outChannels, inChannels / groups, kernelHeight, kernelWidth]: integer codes
// bias         [networks, outChannels], in units of s_x s_w
// xZero        [networks];  weightZero [networks, outChannels]
// y            [networks, batch, outChannels, outHeight, outWidth]
//
// Exact as long as nothing leaves an int32, which the host has to see to: WGSL's integers wrap.
// An invocation computes four neighbors of a line, so that a weight is loaded once for four products.
// Launch: a line of invocations folded past 65,535 workgroups. Bound by loads.
//
// Jacob et al. 2018, arXiv:1712.05877, section 2.2.

override WORKGROUP_SIZE: u32 = 64u;
const COLUMNS = 4u; // of an invocation

struct Params {
  networks: u32, xStride: u32, batch: u32, groups: u32,
  inChannels: u32, inHeight: u32, inWidth: u32,
  outChannels: u32, outHeight: u32, outWidth: u32,
  kernelHeight: u32, kernelWidth: u32, stride: u32, padding: u32
}

@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read> weight: array<i32>;
@group(0) @binding(2) var<storage, read> bias: array<i32>;
@group(0) @binding(3) var<storage, read> xZero: array<i32>;
@group(0) @binding(4) var<storage, read> weightZero: array<i32>;
@group(0) @binding(5) var<storage, read_write> y: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

// Columns left of 0 wrap to huge numbers, so that one comparison finds both ends.
fn centered(line: u32, column: u32, zero: i32) -> i32 {
  if (column >= params.inWidth) { return 0; }
  return x[line + column] - zero;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let across = (params.outWidth + COLUMNS - 1u) / COLUMNS;
  let line = i / across; // of y
  let plane = line / params.outHeight;
  let image = plane / params.outChannels;
  if (image >= params.networks * params.batch) { return; }
  let outRow = line % params.outHeight;
  let outColumn = i % across * COLUMNS;
  let outChannel = plane % params.outChannels;
  let network = image / params.batch;
  let kernel = network * params.outChannels + outChannel;
  let share = params.inChannels / params.groups;
  let first = outChannel / (params.outChannels / params.groups) * share;
  let zero = xZero[network];
  let kernelZero = weightZero[kernel];
  var sum = vec4i(bias[kernel]);
  var tap = kernel * share * params.kernelHeight * params.kernelWidth;
  for (var channel = first; channel < first + share; channel++) {
    let inPlane = image % params.batch * params.inChannels + channel;
    for (var ky = 0u; ky < params.kernelHeight; ky++) {
      let row = outRow * params.stride + ky - params.padding;
      if (row >= params.inHeight) {
        tap += params.kernelWidth;
        continue;
      }
      let inLine = network * params.xStride + (inPlane * params.inHeight + row) * params.inWidth;
      for (var kx = 0u; kx < params.kernelWidth; kx++) {
        let column = outColumn * params.stride + kx - params.padding;
        sum += (weight[tap] - kernelZero) * vec4i(
          centered(inLine, column, zero),
          centered(inLine, column + params.stride, zero),
          centered(inLine, column + 2u * params.stride, zero),
          centered(inLine, column + 3u * params.stride, zero),
        );
        tap++;
      }
    }
  }
  let to = line * params.outWidth + outColumn;
  for (var j = 0u; j < min(COLUMNS, params.outWidth - outColumn); j++) { y[to + j] = sum[j]; }
}
