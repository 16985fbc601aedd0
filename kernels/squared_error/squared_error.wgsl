// squared_error: the mean squared error of every row, and its gradient.
//
//   forward    loss[r] = sum_j (y[r, j] - wanted[r mod targetRows, j])^2 / features
//   backward   dy[r, j] = dLoss[r] 2 (y[r, j] - wanted[r mod targetRows, j]) / features
//
// y, dy [rows, features]; wanted [targetRows, features], targetRows dividing rows, so that networks of a
// population can share a target; losses, dLosses [rows]
//
// forward: one workgroup a row, lanes a stride apart and a fixed tree. backward: one invocation per 4
// vectors of 4 elements. Both memory-bound.
//
// Legendre 1805, Nouvelles methodes pour la determination des orbites des cometes, appendix.

override WORKGROUP_SIZE: u32 = 64u;
override LANES: u32 = 64u;
const VECTORS = 4u; // an invocation
const STEPS = vec4u(0u, 1u, 2u, 3u);

struct Params { rows: u32, features: u32, targetRows: u32 }

@group(0) @binding(0) var<storage, read> y: array<vec4f>;
@group(0) @binding(1) var<storage, read> wanted: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read> dLosses: array<f32>;
@group(0) @binding(4) var<storage, read_write> dy: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> sums: array<f32, LANES>;

// What one lane adds up of a row; rows of whole vectors are read as such.
fn partOfRow(row: u32, lane: u32) -> f32 {
  let first = row * params.features;
  let goal = (row % params.targetRows) * params.features;
  var sum = 0.0;
  if (params.features % 4u == 0u) {
    for (var j = lane; j < params.features / 4u; j += LANES) {
      let error = y[first / 4u + j] - wanted[goal / 4u + j];
      sum += dot(error, error);
    }
    return sum;
  }
  for (var j = lane; j < params.features; j += LANES) {
    let a = first + j;
    let b = goal + j;
    let error = y[a / 4u][a % 4u] - wanted[b / 4u][b % 4u];
    sum += error * error;
  }
  return sum;
}

@compute @workgroup_size(LANES)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y * groups.x + group.x;
  var part = 0.0;
  if (row < params.rows) { part = partOfRow(row, lane); }
  sums[lane] = part;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u && row < params.rows) { losses[row] = sums[0] / f32(params.features); }
}

// Four elements of the target, which begins anew after targetRows rows.
fn wantedAt(i: u32) -> vec4f {
  let size = params.targetRows * params.features;
  if (size % 4u == 0u) { return wanted[i % (size / 4u)]; }
  let e = (4u * i + STEPS) % size;
  return vec4f(wanted[e.x / 4u][e.x % 4u], wanted[e.y / 4u][e.y % 4u], wanted[e.z / 4u][e.z % 4u],
    wanted[e.w / 4u][e.w % 4u]);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  let end = min(first + VECTORS, (params.rows * params.features + 3u) / 4u);
  let factor = 2.0 / f32(params.features);
  for (var i = first; i < end; i++) {
    let r = min((4u * i + STEPS) / params.features, vec4u(params.rows - 1u));
    let slope = vec4f(dLosses[r.x], dLosses[r.y], dLosses[r.z], dLosses[r.w]);
    dy[i] = factor * slope * (y[i] - wantedAt(i));
  }
}
