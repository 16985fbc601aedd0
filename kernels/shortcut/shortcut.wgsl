// shortcut: the parameter-free way around a block of a residual network that halves the image and has
// more channels (option A): every second row and column, and channels of zeros on both sides.
//
//   forward    y[i, pad + c, r, s] = x[i, c, 2 r, 2 s],   0 in the other channels
//   backward  dx[i, c, 2 r, 2 s] = dy[i, pad + c, r, s],  0 at odd rows and columns
//
// x, dx   [images, inChannels, inHeight, inWidth]
// y, dy   [images, outChannels, outHeight, outWidth],  outHeight = ceil(inHeight / 2), outWidth alike
//
// One invocation per element that is written; bound by memory and, on processors, by index arithmetic.
//
// He et al. 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385, section 3.3.

override WORKGROUP_SIZE: u32 = 64u;

struct Params {
  images: u32,
  inChannels: u32, inHeight: u32, inWidth: u32,
  outChannels: u32, outHeight: u32, outWidth: u32,
  pad: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let line = i / params.outWidth;
  let plane = line / params.outHeight;
  let image = plane / params.outChannels;
  if (image >= params.images) { return; }
  // wraps around to a large number below the first channel
  let channel = plane % params.outChannels - params.pad;
  if (channel >= params.inChannels) {
    y[i] = 0.0;
    return;
  }
  let row = 2u * (line % params.outHeight);
  let source = (image * params.inChannels + channel) * params.inHeight + row;
  y[i] = x[source * params.inWidth + 2u * (i % params.outWidth)];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let line = i / params.inWidth;
  let plane = line / params.inHeight;
  let image = plane / params.inChannels;
  if (image >= params.images) { return; }
  let row = line % params.inHeight;
  let column = i % params.inWidth;
  if (((row | column) & 1u) == 1u) {
    dx[i] = 0.0;
    return;
  }
  let channel = params.pad + plane % params.inChannels;
  let source = (image * params.outChannels + channel) * params.outHeight + row / 2u;
  dx[i] = dy[source * params.outWidth + column / 2u];
}
