// moving_average: one step of the exponential moving average of all parameters of a model.
//
//   average <- average + share (parameter - average),   share = 1 - decay of this step
//
// The step number is read from `clock`, and share is the fourth number of its row of `stepTable`, so that
// the decay may grow over the first steps; see adam.wgsl.
//
// parameter, average   [size], size a multiple of 4
// clock [1], stepTable [steps, 4]
//
// One invocation per 4 vectors of 4 elements; memory-bound (12 bytes and 3 operations an element).
//
// Polyak and Juditsky 1992, doi:10.1137/0330046.

override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation

struct Params { size: u32, steps: u32 }

@group(0) @binding(0) var<storage, read> parameter: array<vec4f>;
@group(0) @binding(1) var<storage, read> clock: array<u32>;
@group(0) @binding(2) var<storage, read> stepTable: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> average: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn follow(i: u32, share: f32) {
  let before = average[i];
  average[i] = before + share * (parameter[i] - before);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let share = stepTable[min(clock[0], params.steps - 1u)].w;
  let i = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  if (i + VECTORS <= params.size / 4u) { // spelled out: a loop costs a processor as much as a load
    follow(i, share);
    follow(i + 1u, share);
    follow(i + 2u, share);
    follow(i + 3u, share);
    return;
  }
  for (var j = i; j < params.size / 4u; j++) { follow(j, share); }
}
