// log_softmax: the logarithm of a probability a class, and its gradient.
//
//   forward    y[r, j]  = x[r, j] - log sum_k exp(x[r, k])
//   backward   dx[r, j] = dy[r, j] - exp(saved[r, j]) sum_k dy[r, k],   saved = y of the forward pass
//
// x, y, saved, dx, dy [rows, classes]. The largest x of a row is subtracted before exp, so nothing
// overflows. Where only the loss counts, softmax_nll does all of this and the loss in one dispatch.
//
// One invocation per row: two or three short loops over the classes, no waiting for neighbors;
// memory-bound (8 bytes an element forward, 12 backward).
//
// Bridle 1990, Probabilistic Interpretation of Feedforward Classification Network Outputs.

override WORKGROUP_SIZE: u32 = 64u;

struct Params { rows: u32, classes: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> saved: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// The elements of an invocation's row, from `x` up to but without `y`; none beyond the last row.
fn rowOf(id: vec3u, groups: vec3u) -> vec2u {
  let row = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let start = min(row, params.rows) * params.classes;
  return vec2u(start, select(start, start + params.classes, row < params.rows));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = rowOf(id, groups);
  if (row.x == row.y) { return; }
  var largest = x[row.x];
  for (var i = row.x + 1u; i < row.y; i++) { largest = max(largest, x[i]); }
  var sum = 0.0;
  for (var i = row.x; i < row.y; i++) { sum += exp(x[i] - largest); }
  let logSum = log(sum);
  for (var i = row.x; i < row.y; i++) { y[i] = (x[i] - largest) - logSum; }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = rowOf(id, groups);
  var sum = 0.0;
  for (var i = row.x; i < row.y; i++) { sum += dy[i]; }
  for (var i = row.x; i < row.y; i++) { dx[i] = dy[i] - exp(saved[i]) * sum; }
}
