// nll: the negative log-likelihood of a label, and its gradient.
//
//   forward    losses[r] = -y[r, label]
//   backward   dy[r, j]  = -dLosses[r] where j = label, else 0,   label = labels[r mod labelRows]
//
// y, dy [rows, classes], y being logarithms of probabilities; losses, dLosses [rows]; labels
// [labelRows], labelRows dividing rows, so that several networks can share the labels of one batch.
//
// forward: one invocation per row. backward: one per 4 elements of dy, so that neighbors write
// neighboring memory. Memory-bound (12 bytes a row forward, 4 an element backward).

override WORKGROUP_SIZE: u32 = 64u;

struct Params { rows: u32, classes: u32, labelRows: u32 }

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read> dLosses: array<f32>;
@group(0) @binding(4) var<storage, read_write> dy: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (row >= params.rows) { return; }
  losses[row] = -y[row * params.classes + labels[row % params.labelRows]];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (4u * i >= params.rows * params.classes) { return; }
  var row = 4u * i / params.classes;
  var kind = 4u * i % params.classes;
  var gradients = vec4f();
  for (var j = 0u; j < 4u; j++) {
    if (row < params.rows && kind == labels[row % params.labelRows]) { gradients[j] = -dLosses[row]; }
    kind++;
    if (kind == params.classes) {
      kind = 0u;
      row++;
    }
  }
  dy[i] = gradients;
}
