// copy: y = x, nothing else: the memory roof of an adapter.
//
// x, y   [size], size a multiple of 4
//
// One invocation per 8 vectors of 4 elements; memory-bound (8 bytes an element).
//
// McCalpin 1995, STREAM: Sustainable Memory Bandwidth in High Performance Computers.

override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 8u; // an invocation

struct Params { size: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn copy(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  let last = min(first + VECTORS, params.size / 4u);
  for (var i = first; i < last; i++) { y[i] = x[i]; }
}
