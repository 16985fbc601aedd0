// copy: y = x, nothing else: the memory roof of an adapter.
//
// x, y   [size], size a multiple of 4
//
// One invocation per 4 vectors of 4 elements; memory-bound (8 bytes an element). Of 2 to 8 vectors, in
// a loop or spelled out, 4 spelled out is the fastest on a processor: 9.7 GB/s against 7.5 in a loop of 8.
//
// McCalpin 1995, STREAM: Sustainable Memory Bandwidth in High Performance Computers.

override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation

struct Params { size: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn copy(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  let size = params.size / 4u;
  if (first + VECTORS <= size) { // spelled out: a loop costs a processor as much as a load
    y[first] = x[first];
    y[first + 1u] = x[first + 1u];
    y[first + 2u] = x[first + 2u];
    y[first + 3u] = x[first + 3u];
    return;
  }
  for (var i = first; i < size; i++) { y[i] = x[i]; }
}
