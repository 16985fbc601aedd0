// relu: the rectified linear unit and its gradient.
//
//   forward    y = max(x, 0), but NaN stays NaN, which max may lose
//   backward  dx = dy where y > 0, else 0     (the output alone tells which inputs passed)
//
// x, y, dy, dx   [size]
//
// One invocation per 4 vectors of 4 elements; memory-bound (8 bytes forward, 12 backward and one
// operation an element). Whole vectors are read and written: a tensor owns its padding to 16 bytes.
// A fused epilogue of matmul does the same where a linear layer comes first.
//
// Nair and Hinton 2010, Rectified Linear Units Improve Restricted Boltzmann Machines, ICML.

override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation

struct Params { size: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<storage, read> activated: array<vec4f>; // y of the forward pass
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn rectified(v: vec4f) -> vec4f {
  let isNaN = (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return select(max(v, vec4f()), v, isNaN);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  for (var v = first; v < first + VECTORS; v++) {
    if (4u * v >= params.size) { return; }
    y[v] = rectified(x[v]);
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  for (var v = first; v < first + VECTORS; v++) {
    if (4u * v >= params.size) { return; }
    dx[v] = select(vec4f(), dy[v], activated[v] > vec4f());
  }
}
