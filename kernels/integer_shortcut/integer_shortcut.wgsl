// integer_shortcut: codes on their way around a block of a residual network, as steps from their zero.
//
//   forward   y[i, pad + c, r, s] = x[i, c, stride r, stride s] - xZero,   0 in the other channels
//
// x       [images, inChannels, inHeight, inWidth]
// xZero   [1]
// y       [images, outChannels, outHeight, outWidth]
//
// stride is 1 where the channels stay, and 2 where channels of zeros are put on both sides (option A).
// One invocation an output, a line folded past 65,535 workgroups; memory-bound.
//
// He et al. 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385, section 3.3.

override WORKGROUP_SIZE: u32 = 64u;

struct Params {
  images: u32,
  inChannels: u32, inHeight: u32, inWidth: u32,
  outChannels: u32, outHeight: u32, outWidth: u32,
  pad: u32, stride: u32,
}

@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read> xZero: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<i32>;
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
    y[i] = 0;
    return;
  }
  let row = (image * params.inChannels + channel) * params.inHeight
    + params.stride * (line % params.outHeight);
  y[i] = x[row * params.inWidth + params.stride * (i % params.outWidth)] - xZero[0];
}
