// fused_multiply_add: nothing but multiply-adds on registers: the arithmetic roof of an adapter.
//
//   8 vectors of 4 numbers, each 16 times x <- x a + b an iteration
//
// y   [invocations]: a sum that keeps the compiler from dropping the work
//
// One invocation per element of y; compute-bound: 1,024 operations an iteration, no memory.
//
// Williams, Waterman and Patterson 2009, Roofline, doi:10.1145/1498765.1498785.

override WORKGROUP_SIZE: u32 = 64u;

struct Params { invocations: u32, iterations: u32, factor: f32, term: f32 }

@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn roof(@builtin(global_invocation_id) id: vec3u) {
  let a = vec4f(params.factor);
  let b = vec4f(params.term);
  let start = vec4f(f32(id.x));
  var x0 = start;
  var x1 = start + 1.0;
  var x2 = start + 2.0;
  var x3 = start + 3.0;
  var x4 = start + 4.0;
  var x5 = start + 5.0;
  var x6 = start + 6.0;
  var x7 = start + 7.0;
  for (var i = 0u; i < params.iterations; i++) {
    for (var j = 0u; j < 4u; j++) {
      x0 = x0 * a + b; x1 = x1 * a + b; x2 = x2 * a + b; x3 = x3 * a + b;
      x4 = x4 * a + b; x5 = x5 * a + b; x6 = x6 * a + b; x7 = x7 * a + b;
      x0 = x0 * a + b; x1 = x1 * a + b; x2 = x2 * a + b; x3 = x3 * a + b;
      x4 = x4 * a + b; x5 = x5 * a + b; x6 = x6 * a + b; x7 = x7 * a + b;
      x0 = x0 * a + b; x1 = x1 * a + b; x2 = x2 * a + b; x3 = x3 * a + b;
      x4 = x4 * a + b; x5 = x5 * a + b; x6 = x6 * a + b; x7 = x7 * a + b;
      x0 = x0 * a + b; x1 = x1 * a + b; x2 = x2 * a + b; x3 = x3 * a + b;
      x4 = x4 * a + b; x5 = x5 * a + b; x6 = x6 * a + b; x7 = x7 * a + b;
    }
  }
  let all = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7;
  if (id.x < params.invocations) { y[id.x] = all.x + all.y + all.z + all.w; }
}
