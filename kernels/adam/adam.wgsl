// adam: one step of Adam over all parameters of a model, held in one flat buffer, after a decay of its
// first `decayed` elements that does not pass through the moments (AdamW).
//
//   p <- p - rate weightDecay p      (the first `decayed` elements only)
//   m <- beta1 m + (1 - beta1) g
//   v <- beta2 v + (1 - beta2) g^2
//   p <- p - rate * (m correction1) / (sqrt(v) correction2 + epsilon)
//
// The step number is read from `clock`, and for it rate = stepTable[4 step], correction1 =
// 1 / (1 - beta1^t) and correction2 = 1 / sqrt(1 - beta2^t) from the same row: the host computes
// them in float64 once, so a replayed step needs no new numbers and f32 powers lose no digits.
//
// gradient, parameter, m, v   [size], size and decayed multiples of 4
// clock [1], stepTable        [steps, 4]
//
// One invocation per 4 vectors of 4 elements; memory-bound (28 bytes and 16 operations an element).
//
// Kingma and Ba 2015, arXiv:1412.6980. Loshchilov and Hutter 2019, arXiv:1711.05101 (in PyTorch's order).

override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation

struct Params {
  size: u32,
  steps: u32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  decayed: u32,
  weightDecay: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> clock: array<u32>;
@group(0) @binding(2) var<storage, read> stepTable: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> parameter: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> v: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn update(i: u32, row: vec4f) {
  let g = gradient[i];
  let first = params.beta1 * m[i] + (1.0 - params.beta1) * g;
  let second = params.beta2 * v[i] + (1.0 - params.beta2) * g * g;
  m[i] = first;
  v[i] = second;
  let kept = select(1.0, 1.0 - row.x * params.weightDecay, i < params.decayed / 4u);
  parameter[i] = kept * parameter[i] - row.x * (first * row.y) / (sqrt(second) * row.z + params.epsilon);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn step(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = stepTable[min(clock[0], params.steps - 1u)];
  let i = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  if (i + VECTORS <= params.size / 4u) { // spelled out: a loop costs a processor as much as a load
    update(i, row);
    update(i + 1u, row);
    update(i + 2u, row);
    update(i + 3u, row);
    return;
  }
  for (var j = i; j < params.size / 4u; j++) { update(j, row); }
}
