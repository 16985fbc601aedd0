// conv2d, naive: one output an invocation; the baseline, right for every shape.
//
//   forward         y[n,o,oy,ox] = bias[o] + sum over i,ky,kx of x[n,i,iy,ix] w[o,i,ky,kx]
//                   with RELU: max(., 0)
//   inputGradient   dx[n,i,iy,ix] = sum over o,ky,kx of dy[n,o,oy,ox] w[o,i,ky,kx]
//   weightGradient  dw[o,i,ky,kx] = sum over n,oy,ox of dy[n,o,oy,ox] x[n,i,iy,ix]
//                   db[o]         = sum over n,oy,ox of dy[n,o,oy,ox]
//
//   iy = oy stride + ky - padding, ix likewise; x is 0 outside its plane; i and o run through the
//   channels of one group, and each group is a convolution of its own
//
// x, dx       [networks, batch, inChannels, inHeight, inWidth]; x is xStride apart from one network
//             to the next, 0 where all share it
// y, dy       [networks, batch, outChannels, outHeight, outWidth]
// weight, dw  [networks, outChannels, inChannels / groups, kernelHeight, kernelWidth]
// bias, db    [networks, outChannels]
//
// Launch: a line of outputs, folded past 65,535 workgroups. Two loads a multiply-add: bound by loads.
//
// Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

override RELU: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;

struct Params {
  networks: u32, xStride: u32, batch: u32, groups: u32,
  inChannels: u32, inHeight: u32, inWidth: u32,
  outChannels: u32, outHeight: u32, outWidth: u32,
  kernelHeight: u32, kernelWidth: u32, stride: u32, padding: u32
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;
@group(0) @binding(6) var<storage, read_write> dw: array<f32>;
@group(0) @binding(7) var<storage, read_write> db: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Where an element of a tensor [networks, batch, channels, height, width] stands.
struct Place { network: u32, n: u32, channel: u32, row: u32, column: u32 }

fn placeOf(i: u32, channels: u32, height: u32, width: u32) -> Place {
  let line = i / width;
  let plane = line / height;
  let image = plane / channels;
  return Place(image / params.batch, image % params.batch, plane % channels, line % height, i % width);
}

// Rows and columns below 0 wrap to huge numbers, so that one comparison finds both ends.
fn inputAt(network: u32, n: u32, channel: u32, row: u32, column: u32) -> f32 {
  if (row >= params.inHeight || column >= params.inWidth) { return 0.0; }
  let plane = n * params.inChannels + channel;
  return x[network * params.xStride + (plane * params.inHeight + row) * params.inWidth + column];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let planes = params.networks * params.batch * params.outChannels;
  if (i >= planes * params.outHeight * params.outWidth) { return; }
  let to = placeOf(i, params.outChannels, params.outHeight, params.outWidth);
  let kernel = to.network * params.outChannels + to.channel;
  var sum = bias[kernel];
  let share = params.inChannels / params.groups;
  let first = to.channel / (params.outChannels / params.groups) * share;
  var tap = kernel * share * params.kernelHeight * params.kernelWidth;
  for (var channel = first; channel < first + share; channel++) {
    for (var ky = 0u; ky < params.kernelHeight; ky++) {
      let row = to.row * params.stride + ky - params.padding;
      for (var kx = 0u; kx < params.kernelWidth; kx++) {
        let column = to.column * params.stride + kx - params.padding;
        sum += inputAt(to.network, to.n, channel, row, column) * weight[tap];
        tap++;
      }
    }
  }
  let isNaN = (bitcast<u32>(sum) & 0x7fffffffu) > 0x7f800000u;
  y[i] = select(max(sum, 0.0), sum, RELU == 0u || isNaN);
}

fn gradientAt(i: u32, to: Place) -> f32 {
  let taps = params.kernelHeight * params.kernelWidth;
  let share = params.inChannels / params.groups;
  let outShare = params.outChannels / params.groups;
  let first = to.channel / share * outShare;
  var sum = 0.0;
  for (var channel = first; channel < first + outShare; channel++) {
    let kernel = to.network * params.outChannels + channel;
    let plane = (to.network * params.batch + to.n) * params.outChannels + channel;
    for (var ky = 0u; ky < params.kernelHeight; ky++) {
      let down = to.row + params.padding - ky;
      if (down % params.stride != 0u || down / params.stride >= params.outHeight) { continue; }
      let line = plane * params.outHeight + down / params.stride;
      for (var kx = 0u; kx < params.kernelWidth; kx++) {
        let across = to.column + params.padding - kx;
        if (across % params.stride != 0u || across / params.stride >= params.outWidth) { continue; }
        let tap = (kernel * share + to.channel % share) * taps + ky * params.kernelWidth + kx;
        sum += dy[line * params.outWidth + across / params.stride] * weight[tap];
      }
    }
  }
  return sum;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn inputGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let image = params.batch * params.inChannels * params.inHeight * params.inWidth;
  if (i >= params.networks * image) { return; }
  dx[i] = gradientAt(i, placeOf(i, params.inChannels, params.inHeight, params.inWidth));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn weightGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let share = params.inChannels / params.groups;
  let taps = share * params.kernelHeight * params.kernelWidth;
  if (i >= params.networks * params.outChannels * taps) { return; }
  let kx = i % params.kernelWidth;
  let ky = i / params.kernelWidth % params.kernelHeight;
  let kernel = i / taps;
  let network = kernel / params.outChannels;
  let outChannel = kernel % params.outChannels;
  let channel = outChannel / (params.outChannels / params.groups) * share +
    i % taps / (params.kernelHeight * params.kernelWidth);
  var sum = 0.0;
  var biasSum = 0.0;
  for (var n = 0u; n < params.batch; n++) {
    var source = ((network * params.batch + n) * params.outChannels + outChannel) *
      params.outHeight * params.outWidth;
    for (var oy = 0u; oy < params.outHeight; oy++) {
      let row = oy * params.stride + ky - params.padding;
      for (var ox = 0u; ox < params.outWidth; ox++) {
        let column = ox * params.stride + kx - params.padding;
        sum += dy[source] * inputAt(network, n, channel, row, column);
        biasSum += dy[source];
        source++;
      }
    }
  }
  dw[i] = sum;
  if (i % taps == 0u) { db[kernel] = biasSum; }
}
