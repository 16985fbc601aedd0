// random: counter-based random numbers; element i depends on (seed, stream, i) and nothing else.
//
//   bits(i)    = hash(hash(i) ^ key),  key = hash(hash(seed) + stream)
//   fillUniform    y[i] = (bits(i) >> 8) 2^-24, in [0, 1)
//   fillNormal     y[i] = sqrt(-2 ln(1 - u)) cos(2 pi w), u and w uniforms of counters 2i and 2i + 1
//
// y   [size]
//
// `kernels/random_source.ts` gives the same integers on the host. One invocation per element pair
// of vectors; compute-bound on integer multiplications.
//
// PCG-RXS-M-XS as a hash: Jarzynski and Olano 2020, JCGT 9(3). Box and Muller 1958.

override WORKGROUP_SIZE: u32 = 64u;
const TAU = 6.283185307179586;

struct Params { size: u32, key: u32 }

@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn hash(input: vec4u) -> vec4u {
  let state = input * 747796405u + 2891336453u;
  let word = ((state >> ((state >> vec4u(28u)) + 4u)) ^ state) * 277803737u;
  return (word >> vec4u(22u)) ^ word;
}

fn uniforms(counters: vec4u) -> vec4f {
  return vec4f(hash(hash(counters) ^ vec4u(params.key)) >> vec4u(8u)) * 5.9604644775390625e-8;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn fillUniform(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (4u * i >= params.size) { return; }
  y[i] = uniforms(4u * i + vec4u(0u, 1u, 2u, 3u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn fillNormal(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (4u * i >= params.size) { return; }
  let counters = 8u * i + vec4u(0u, 2u, 4u, 6u);
  let radius = sqrt(-2.0 * log(1.0 - uniforms(counters)));
  y[i] = radius * cos(TAU * uniforms(counters + 1u));
}
