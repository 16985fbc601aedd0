// integer_plane_sum: the sum of every plane, of its positive numbers alone where it is rectified.
//
//   forward   y[p] = sum over i of x[p, i],   or of max(x[p, i], 0)
//
// x   [planes, size], planes = rows * channels
// y   [planes]
//
// The mean over all positions in integers: the sum, whose unit is by size smaller. Accumulators of a
// channel share a unit, so nothing is rounded before the mean is. Whoever launches it sees to it that
// sums fit an int32. One invocation a plane; memory-bound.
//
// Jacob et al. 2018, arXiv:1712.05877, section 2.

override WORKGROUP_SIZE: u32 = 64u;

struct Params { planes: u32, size: u32, rectified: u32 }

@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let plane = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (plane >= params.planes) { return; }
  let least = select(-0x7fffffff - 1, 0, params.rectified == 1u);
  var sum = 0;
  for (var i = 0u; i < params.size; i++) { sum += max(x[plane * params.size + i], least); }
  y[plane] = sum;
}
