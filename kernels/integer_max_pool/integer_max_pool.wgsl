// integer_max_pool: the largest integer of every window.
//
//   y[plane, oy, ox] = max over ky, kx < size of x[plane, oy stride + ky, ox stride + kx]
//
// x   [planes, inHeight, inWidth], planes = networks * batch * channels
// y   [planes, outHeight, outWidth]; floor mode
//
// Codes and real numbers are in the same order, so pooling and quantizing may change places: a window's
// largest code is the code of its largest number. One invocation an output, a line folded past 65,535
// workgroups; memory-bound.
//
// Jacob et al. 2018, arXiv:1712.05877, section 2.

override WORKGROUP_SIZE: u32 = 64u;

struct Params {
  planes: u32, inHeight: u32, inWidth: u32, outHeight: u32, outWidth: u32, size: u32, stride: u32
}

@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let line = i / params.outWidth;
  let plane = line / params.outHeight;
  if (plane >= params.planes) { return; }
  let row = line % params.outHeight * params.stride;
  let corner = (plane * params.inHeight + row) * params.inWidth + i % params.outWidth * params.stride;
  var largest = x[corner];
  for (var ky = 0u; ky < params.size; ky++) {
    for (var kx = 0u; kx < params.size; kx++) {
      largest = max(largest, x[corner + ky * params.inWidth + kx]);
    }
  }
  y[i] = largest;
}
