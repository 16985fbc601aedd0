// matmul, naive: one output an invocation, straight from the definition.
//
//   nt        c = a b^T            a [m, k], b [n, k]
//   ntBias    c = a b^T + bias     with RELU: max(., 0)
//   nn        c = a b              a [m, k], b [k, n]
//   nnMasked  c = a b where mask > 0, else 0
//   nnRowBias c = a b + rowBias  with RELU: max(., 0)
//   tn        c = a^T b            a [k, m], b [k, n]
//   tnRowSum  c = a^T b, and rowSum[i] = sum over k of a[k, i]
//
// A linear layer y = x W^T + b is ntBias; its gradients are nn (or nnMasked, where x came out of a
// ReLU) for dx and tnRowSum for dW and db. A convolution of 1 x 1 is nnRowBias, its batch the images.
// c, mask [batch, m, n]; bias [batch or 1, n]; rowBias [m]; rowSum [batch, m]. Strides lead from one
// network of the batch to the next; 0 means that all share it.
//
// Launch: one invocation per output, x over n, y over m, z over the batch. Two loads a
// multiply-add: memory-bound everywhere. The baseline that the tiled variants are measured against.

override WORKGROUP_SIZE: u32 = 8u;
override RELU: u32 = 0u;

struct Params {
  batch: u32, m: u32, n: u32, k: u32, aStride: u32, bStride: u32, biasStride: u32
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;
@group(0) @binding(5) var<storage, read_write> rowSum: array<f32>;
@group(0) @binding(6) var<storage, read> rowBias: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Sum over k of a[aStart + k aStep] b[bStart + k bStep].
fn dotProduct(aStart: u32, aStep: u32, bStart: u32, bStep: u32) -> f32 {
  var sum = 0.0;
  for (var k = 0u; k < params.k; k++) { sum += a[aStart + k * aStep] * b[bStart + k * bStep]; }
  return sum;
}

fn inside(id: vec3u) -> bool { return id.x < params.n && id.y < params.m; }

fn output(id: vec3u) -> u32 { return (id.z * params.m + id.y) * params.n + id.x; }

fn ntValue(id: vec3u) -> f32 {
  let aStart = id.z * params.aStride + id.y * params.k;
  let bStart = id.z * params.bStride + id.x * params.k;
  return dotProduct(aStart, 1u, bStart, 1u);
}

fn nnValue(id: vec3u) -> f32 {
  let aStart = id.z * params.aStride + id.y * params.k;
  return dotProduct(aStart, 1u, id.z * params.bStride + id.x, params.n);
}

fn tnValue(id: vec3u) -> f32 {
  let aStart = id.z * params.aStride + id.y;
  return dotProduct(aStart, params.m, id.z * params.bStride + id.x, params.n);
}

// max(v, 0) if asked for, but NaN stays NaN.
fn rectified(v: f32) -> f32 {
  let isNaN = (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
  return select(max(v, 0.0), v, RELU == 0u || isNaN);
}

@compute @workgroup_size(WORKGROUP_SIZE, WORKGROUP_SIZE)
fn nt(@builtin(global_invocation_id) id: vec3u) {
  if (inside(id)) { c[output(id)] = ntValue(id); }
}

@compute @workgroup_size(WORKGROUP_SIZE, WORKGROUP_SIZE)
fn ntBias(@builtin(global_invocation_id) id: vec3u) {
  if (!inside(id)) { return; }
  c[output(id)] = rectified(ntValue(id) + bias[id.z * params.biasStride + id.x]);
}

@compute @workgroup_size(WORKGROUP_SIZE, WORKGROUP_SIZE)
fn nn(@builtin(global_invocation_id) id: vec3u) {
  if (inside(id)) { c[output(id)] = nnValue(id); }
}

@compute @workgroup_size(WORKGROUP_SIZE, WORKGROUP_SIZE)
fn nnMasked(@builtin(global_invocation_id) id: vec3u) {
  if (!inside(id)) { return; }
  let i = output(id);
  c[i] = select(0.0, nnValue(id), mask[i] > 0.0);
}

@compute @workgroup_size(WORKGROUP_SIZE, WORKGROUP_SIZE)
fn nnRowBias(@builtin(global_invocation_id) id: vec3u) {
  if (inside(id)) { c[output(id)] = rectified(nnValue(id) + rowBias[id.y]); }
}

@compute @workgroup_size(WORKGROUP_SIZE, WORKGROUP_SIZE)
fn tn(@builtin(global_invocation_id) id: vec3u) {
  if (inside(id)) { c[output(id)] = tnValue(id); }
}

@compute @workgroup_size(WORKGROUP_SIZE, WORKGROUP_SIZE)
fn tnRowSum(@builtin(global_invocation_id) id: vec3u) {
  if (!inside(id)) { return; }
  c[output(id)] = tnValue(id);
  if (id.x == 0u) {
    var sum = 0.0;
    for (var k = 0u; k < params.k; k++) {
      sum += a[id.z * params.aStride + k * params.m + id.y];
    }
    rowSum[id.z * params.m + id.y] = sum;
  }
}
