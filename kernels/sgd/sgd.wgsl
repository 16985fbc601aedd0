// sgd: one step of stochastic gradient descent with momentum over all parameters of a model.
//
//   g         <- g + weightDecay parameter                         (the first `decayed` elements only)
//   velocity  <- momentum velocity + g
//   parameter <- parameter - rate * velocity                       (heavy ball)
//   parameter <- parameter - rate * (g + momentum velocity)        (NESTEROV)
//
// The rate is the first number of the row of `stepTable` that `clock` points to; see adam.wgsl.
//
// gradient, parameter, velocity   [size], size and decayed multiples of 4
// clock [1], stepTable            [steps, 4]
//
// One invocation per 4 vectors of 4 elements; memory-bound (20 bytes and 6 operations an element).
//
// Sutskever et al. 2013, On the importance of initialization and momentum, ICML (as in PyTorch).

override WORKGROUP_SIZE: u32 = 64u;
override NESTEROV: u32 = 0u;
const VECTORS = 4u; // an invocation

struct Params { size: u32, steps: u32, momentum: f32, decayed: u32, weightDecay: f32 }

@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> clock: array<u32>;
@group(0) @binding(2) var<storage, read> stepTable: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> parameter: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> velocity: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn update(i: u32, rate: f32) {
  let before = parameter[i];
  let g = gradient[i] + select(0.0, params.weightDecay, i < params.decayed / 4u) * before;
  let now = params.momentum * velocity[i] + g;
  velocity[i] = now;
  parameter[i] = before - rate * select(now, g + params.momentum * now, NESTEROV == 1u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn step(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let rate = stepTable[min(clock[0], params.steps - 1u)].x;
  let i = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  if (i + VECTORS <= params.size / 4u) { // spelled out: a loop costs a processor as much as a load
    update(i, rate);
    update(i + 1u, rate);
    update(i + 2u, rate);
    update(i + 3u, rate);
    return;
  }
  for (var j = i; j < params.size / 4u; j++) { update(j, rate); }
}
