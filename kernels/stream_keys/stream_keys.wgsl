// stream_keys: the key of every network's random numbers in one step of training.
//
//   key = hash(hash(hash(hash(seeds[network]) + stream)) + clock)
//
// seeds, keys   [networks]
// clock         [1]
//
// A kernel whose eight bindings have no room for seeds and clock takes the keys instead. The same
// integers as `streamKey(streamKey(seed, stream), clock)` on the host. One invocation per vector of 4;
// latency-bound.
//
// PCG as a hash: Jarzynski and Olano 2020, JCGT 9(3).

override WORKGROUP_SIZE: u32 = 64u;

struct Params { networks: u32, stream: u32 }

@group(0) @binding(0) var<storage, read> seeds: array<vec4u>;
@group(0) @binding(1) var<storage, read> clock: array<u32>;
@group(0) @binding(2) var<storage, read_write> keys: array<vec4u>;
@group(1) @binding(0) var<uniform> params: Params;

fn hash(input: vec4u) -> vec4u {
  let state = input * 747796405u + 2891336453u;
  let word = ((state >> ((state >> vec4u(28u)) + 4u)) ^ state) * 277803737u;
  return (word >> vec4u(22u)) ^ word;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn makeKeys(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (4u * i >= params.networks) { return; }
  keys[i] = hash(hash(hash(hash(seeds[i]) + params.stream)) + clock[0]);
}
