// distillation: cross-entropy with the label, and with what a teacher thinks, in one pass over a row.
//
//   p = softmax(logits), q = softmax(teacher);  at temperature T: p_T = softmax(logits / T), likewise q_T
//   loss[r]    = (1 - weight) (-log p[label]) + weight T^2 KL(q_T || p_T)
//   dLogits[r] = scale ((1 - weight) (p - onehot(label)) + weight T (p_T - q_T))
//
// logits, teacher, dLogits [rows, classes]; losses [rows]; labels [labelRows], labelRows dividing rows,
// so that several networks can share the labels of one batch; the teacher has a row for each of theirs.
// With scale = 1 / batch, dLogits is the gradient of the mean loss. The largest logits are subtracted
// first, so nothing overflows.
//
// One invocation per row: four short loops over the classes; memory-bound (12 bytes a logit).
//
// Hinton et al. 2015, arXiv:1503.02531, section 2; Mishra and Marr 2018, arXiv:1711.05852 (Apprentice).

override WORKGROUP_SIZE: u32 = 64u;

struct Params {
  rows: u32, classes: u32, labelRows: u32, scale: f32, weight: f32, temperature: f32
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> teacher: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> dLogits: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (row >= params.rows) { return; }
  let start = row * params.classes;
  let end = start + params.classes;
  let cooling = 1.0 / params.temperature;
  var top = vec2f(logits[start], teacher[start]);
  for (var i = start + 1u; i < end; i++) { top = max(top, vec2f(logits[i], teacher[i])); }
  // sums of the student's, its softened and the teacher's softened exponentials
  var sums = vec3f();
  for (var i = start; i < end; i++) {
    let below = vec2f(logits[i], teacher[i]) - top;
    sums += exp(vec3f(below.x, below * cooling));
  }
  let hit = start + labels[row % params.labelRows];
  let logs = log(sums);
  let soft = params.weight * params.temperature;
  let hard = 1.0 - params.weight;
  var divergence = 0.0;
  for (var i = start; i < end; i++) {
    let below = vec2f(logits[i], teacher[i]) - top;
    let lengths = vec3f(below.x, below * cooling) - logs; // log p, log p_T, log q_T
    let shares = exp(lengths);
    divergence += shares.z * (lengths.z - lengths.y);
    let wanted = select(0.0, 1.0, i == hit);
    dLogits[i] = params.scale * (hard * (shares.x - wanted) + soft * (shares.y - shares.z));
  }
  let surprise = logs.x + (top.x - logits[hit]);
  losses[row] = hard * surprise + soft * params.temperature * divergence;
}
