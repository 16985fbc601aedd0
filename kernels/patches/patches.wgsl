// patches: the windows that a convolution multiplies with its filters, as rows of a matrix (im2col).
//
//   p[g, (r, oy, ox), (c, ky, kx)] = x[firstRow + r, g channels + c, oy stride + ky - padding,
//                                      ox stride + kx - padding],  0 outside of the image
//
// x    [inRows, groups channels, inHeight, inWidth]
// p    [groups, rows outHeight outWidth, channels kernelHeight kernelWidth]
//
// A row of p is laid out as a row of the convolution's weight, so y = p W^T and the Hessian of the
// weight is p^T p. Forward passes never build it; calibration does, rows of a batch at a time.
//
// One invocation per 4 elements of p; memory-bound (4 bytes read and 4 written an element).
//
// Chellapilla et al. 2006, High Performance Convolutional Neural Networks for Document Processing.

override WORKGROUP_SIZE: u32 = 64u;

struct Params {
  inRows: u32, firstRow: u32, rows: u32, groups: u32, channels: u32,
  inHeight: u32, inWidth: u32, kernelHeight: u32, kernelWidth: u32,
  outHeight: u32, outWidth: u32, stride: u32, padding: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> p: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn patchElement(e: u32) -> f32 {
  let kx = e % params.kernelWidth;
  let byColumn = e / params.kernelWidth;
  let ky = byColumn % params.kernelHeight;
  let byTap = byColumn / params.kernelHeight;
  let c = byTap % params.channels;
  let byFeature = byTap / params.channels;
  let ox = byFeature % params.outWidth;
  let byPosition = byFeature / params.outWidth;
  let oy = byPosition % params.outHeight;
  let byImage = byPosition / params.outHeight;
  let r = byImage % params.rows;
  let g = byImage / params.rows;
  // Unsigned: a place before the image wraps round to one far beyond it.
  let row = oy * params.stride + ky - params.padding;
  let column = ox * params.stride + kx - params.padding;
  if (row >= params.inHeight || column >= params.inWidth || g >= params.groups) { return 0.0; }
  let plane = (params.firstRow + r) * params.groups * params.channels + g * params.channels + c;
  return x[(plane * params.inHeight + row) * params.inWidth + column];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn unfold(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let features = params.channels * params.kernelHeight * params.kernelWidth;
  let size = params.groups * params.rows * params.outHeight * params.outWidth * features;
  if (4u * i >= size) { return; }
  p[i] = vec4f(patchElement(4u * i), patchElement(4u * i + 1u), patchElement(4u * i + 2u),
    patchElement(4u * i + 3u));
}
