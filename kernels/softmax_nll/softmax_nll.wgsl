// softmax_nll: log-softmax, negative log-likelihood and its gradient, in one pass over a row.
//
//   loss[r]    = log sum_j exp(logits[r, j]) - logits[r, label]
//   dLogits[r] = scale * (softmax(logits[r]) - onehot(label)),   label = labels[r mod labelRows]
//
// With SMOOTHED the target is not onehot(label) but (1 - smoothing) onehot(label) + smoothing / classes:
//
//   loss[r]    = log sum_j exp(logits[r, j]) - sum_j target[j] logits[r, j]
//   dLogits[r] = scale * (softmax(logits[r]) - target)
//
// logits, dLogits [rows, classes]; losses [rows]; labels [labelRows], labelRows dividing rows, so that
// several networks can share the labels of one batch. With scale = 1 / batch, dLogits is the gradient
// of the mean loss. The largest logit is subtracted first, so nothing overflows or cancels badly.
//
// One invocation per row: three short loops over the classes. Exponentials are computed twice rather
// than stored, and no neighbor is waited for; memory-bound (8 bytes a logit).
//
// Bridle 1990, Probabilistic Interpretation of Feedforward Classification Network Outputs.
// Label smoothing: Szegedy et al. 2015, arXiv:1512.00567, section 7 (as in PyTorch).

override WORKGROUP_SIZE: u32 = 64u;
override SMOOTHED: u32 = 0u;

struct Params { rows: u32, classes: u32, labelRows: u32, scale: f32, smoothing: f32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> dLogits: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (row >= params.rows) { return; }
  let start = row * params.classes;
  let end = start + params.classes;
  var largest = logits[start];
  for (var i = start + 1u; i < end; i++) { largest = max(largest, logits[i]); }
  var sum = 0.0;
  for (var i = start; i < end; i++) { sum += exp(logits[i] - largest); }
  let hit = start + labels[row % params.labelRows];
  let factor = params.scale / sum;
  if (SMOOTHED == 1u) {
    let everywhere = params.smoothing / f32(params.classes);
    var below = 0.0; // by how much all logits together miss the largest: keeps the digits of small losses
    for (var i = start; i < end; i++) {
      below += largest - logits[i];
      let share = exp(logits[i] - largest) * factor - params.scale * everywhere;
      dLogits[i] = select(share, share - params.scale * (1.0 - params.smoothing), i == hit);
    }
    losses[row] = log(sum) + (1.0 - params.smoothing) * (largest - logits[hit]) + everywhere * below;
    return;
  }
  losses[row] = log(sum) + (largest - logits[hit]);
  for (var i = start; i < end; i++) {
    let share = exp(logits[i] - largest) * factor;
    dLogits[i] = select(share, share - params.scale, i == hit);
  }
}
