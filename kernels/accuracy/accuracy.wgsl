// accuracy: what networks predict, how often they are right, and at what loss.
//
//   predict   predictions[r] = argmax_j logits[r, j], the lowest j of equals; NO_CLASS if one is NaN
//             losses[r]      = log sum_j exp(logits[r, j]) - logits[r, label]
//   count     counts[p]      += (how many rows are right, how many rows predict class 0, 1, ...)
//             lossSums[p]    += sum of the losses of network p
//
// logits [rows, classes], rows = networks x rows of a network; labels [labelRows], the label of row
// r being labels[r mod labelRows]; counts [networks, 1 + classes], up to 1,024 classes; lossSums
// [networks]. Counts add up over the chunks of a set.
//
// predict: one invocation per row. count: one workgroup per network; lanes stride over its rows,
// then lane 0 adds their losses in order, so the same rows give the same bits. Memory-bound.

override WORKGROUP_SIZE: u32 = 64u;
const NO_CLASS = 0xffffffffu;
const MOST_CLASSES = 1024u;

struct Params { rows: u32, classes: u32, labelRows: u32, networks: u32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> predictionsOut: array<u32>;
@group(0) @binding(3) var<storage, read_write> lossesOut: array<f32>;
@group(0) @binding(4) var<storage, read> predictions: array<u32>;
@group(0) @binding(5) var<storage, read> losses: array<f32>;
@group(0) @binding(6) var<storage, read_write> counts: array<u32>;
@group(0) @binding(7) var<storage, read_write> lossSums: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> partial: array<f32, WORKGROUP_SIZE>;
var<workgroup> right: atomic<u32>;
var<workgroup> histogram: array<atomic<u32>, MOST_CLASSES>; // integer sums: any order, same bits

// By its bits: comparisons and max may drop a NaN.
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

@compute @workgroup_size(WORKGROUP_SIZE)
fn predict(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (row >= params.rows) { return; }
  let start = row * params.classes;
  var best = 0u;
  var largest = logits[start];
  var broken = isNan(largest);
  for (var j = 1u; j < params.classes; j++) {
    let logit = logits[start + j];
    broken |= isNan(logit);
    if (logit > largest) {
      largest = logit;
      best = j;
    }
  }
  var sum = 0.0;
  for (var j = 0u; j < params.classes; j++) { sum += exp(logits[start + j] - largest); }
  predictionsOut[row] = select(best, NO_CLASS, broken);
  lossesOut[row] = log(sum) + (largest - logits[start + labels[row % params.labelRows]]);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn count(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let rows = params.rows / params.networks;
  let first = group.x * rows;
  let tally = group.x * (1u + params.classes);
  var hits = 0u;
  var sum = 0.0;
  for (var i = lane; i < rows; i += WORKGROUP_SIZE) {
    let row = first + i;
    let kind = predictions[row];
    hits += u32(kind == labels[row % params.labelRows]);
    if (kind < params.classes) { atomicAdd(&histogram[kind], 1u); }
    sum += losses[row];
  }
  partial[lane] = sum;
  atomicAdd(&right, hits);
  workgroupBarrier();
  if (lane == 0u) {
    var total = lossSums[group.x];
    for (var i = 0u; i < WORKGROUP_SIZE; i++) { total += partial[i]; }
    lossSums[group.x] = total;
    counts[tally] += atomicLoad(&right);
  }
  for (var kind = lane; kind < params.classes; kind += WORKGROUP_SIZE) {
    counts[tally + 1u + kind] += atomicLoad(&histogram[kind]);
  }
}
