// matmul, workgroup-tiled: a block of 64 x 64 outputs a workgroup, operands staged in its memory.
//
//   nt        c = a b^T            a [m, k], b [n, k]
//   ntBias    c = a b^T + bias     with RELU: max(., 0)
//   nn        c = a b              a [m, k], b [k, n]
//   nnMasked  c = a b where mask > 0, else 0
//   nnRowBias c = a b + rowBias  with RELU: max(., 0)
//   tn        c = a^T b            a [k, m], b [k, n]
//   tnRowSum  c = a^T b, and rowSum[i] = sum over k of a[k, i]
//
// c, mask [batch, m, n]; bias [batch or 1, n]; rowBias [m]; rowSum [batch, m]. Strides lead from one
// network of the batch to the next; 0 means that all share it.
//
// Launch: 16 x 16 invocations, each with 4 x 4 outputs in registers; blocks along x cover n, along y
// m, z is the batch. A step stages 16 columns of a block of a and 16 rows of one of b, 1,024 numbers
// each, and every number is then used 64 times: compute-bound on a GPU from k of about 64 on. On a
// processor workgroup memory is a detour: there register_tiled is twice as fast.
//
// Nath, Tomov and Dongarra 2010, An Improved MAGMA GEMM, doi:10.1177/1094342010385729.

override RELU: u32 = 0u;
const BLOCK = 64u;
const DEPTH = 16u;
const SIDE = 16u; // invocations along a side

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

var<workgroup> aBlock: array<array<f32, BLOCK>, DEPTH>; // [step][row]
var<workgroup> bBlock: array<array<f32, BLOCK>, DEPTH>; // [step][column]

// Where an invocation stands: its workgroup's block and its own place in it.
struct Place { row: u32, column: u32, network: u32, lane: u32, x: u32, y: u32 }

fn placeOf(group: vec3u, local: vec3u, lane: u32) -> Place {
  return Place(group.y * BLOCK, group.x * BLOCK, group.z, lane, local.x, local.y);
}

// Each of the 256 invocations stages four numbers of a block; neighbors read neighbors.
fn stageAByRow(p: Place, k: u32) {
  loadAByRow(p, k, p.lane);
  loadAByRow(p, k, p.lane + 256u);
  loadAByRow(p, k, p.lane + 512u);
  loadAByRow(p, k, p.lane + 768u);
}

fn loadAByRow(p: Place, k: u32, i: u32) {
  let row = p.row + i / DEPTH;
  let step = k + i % DEPTH;
  let inside = row < params.m && step < params.k;
  let at = p.network * params.aStride + row * params.k + step;
  aBlock[i % DEPTH][i / DEPTH] = select(0.0, a[select(0u, at, inside)], inside);
}

fn stageAByK(p: Place, k: u32) {
  loadAByK(p, k, p.lane);
  loadAByK(p, k, p.lane + 256u);
  loadAByK(p, k, p.lane + 512u);
  loadAByK(p, k, p.lane + 768u);
}

fn loadAByK(p: Place, k: u32, i: u32) {
  let row = p.row + i % BLOCK;
  let step = k + i / BLOCK;
  let inside = row < params.m && step < params.k;
  let at = p.network * params.aStride + step * params.m + row;
  aBlock[i / BLOCK][i % BLOCK] = select(0.0, a[select(0u, at, inside)], inside);
}

fn stageBByColumn(p: Place, k: u32) {
  loadBByColumn(p, k, p.lane);
  loadBByColumn(p, k, p.lane + 256u);
  loadBByColumn(p, k, p.lane + 512u);
  loadBByColumn(p, k, p.lane + 768u);
}

fn loadBByColumn(p: Place, k: u32, i: u32) {
  let column = p.column + i / DEPTH;
  let step = k + i % DEPTH;
  let inside = column < params.n && step < params.k;
  let at = p.network * params.bStride + column * params.k + step;
  bBlock[i % DEPTH][i / DEPTH] = select(0.0, b[select(0u, at, inside)], inside);
}

fn stageBByK(p: Place, k: u32) {
  loadBByK(p, k, p.lane);
  loadBByK(p, k, p.lane + 256u);
  loadBByK(p, k, p.lane + 512u);
  loadBByK(p, k, p.lane + 768u);
}

fn loadBByK(p: Place, k: u32, i: u32) {
  let column = p.column + i % BLOCK;
  let step = k + i / BLOCK;
  let inside = column < params.n && step < params.k;
  let at = p.network * params.bStride + step * params.n + column;
  bBlock[i / BLOCK][i % BLOCK] = select(0.0, b[select(0u, at, inside)], inside);
}

fn outerProduct(p: Place, step: u32) -> mat4x4f {
  let x = 4u * p.x;
  let y = 4u * p.y;
  let across = vec4f(bBlock[step][x], bBlock[step][x + 1u], bBlock[step][x + 2u],
    bBlock[step][x + 3u]);
  return mat4x4f(aBlock[step][y] * across, aBlock[step][y + 1u] * across,
    aBlock[step][y + 2u] * across, aBlock[step][y + 3u] * across);
}

// Adds the products of the staged blocks; column r of the result is row r of the 4 x 4 outputs.
fn multiplyStaged(p: Place, sums: mat4x4f) -> mat4x4f {
  var s = sums;
  for (var step = 0u; step < DEPTH; step += 4u) {
    s += outerProduct(p, step) + outerProduct(p, step + 1u) + outerProduct(p, step + 2u) +
      outerProduct(p, step + 3u);
  }
  return s;
}

fn multiplyNT(p: Place) -> mat4x4f {
  var s = mat4x4f();
  for (var k = 0u; k < params.k; k += DEPTH) {
    stageAByRow(p, k);
    stageBByColumn(p, k);
    workgroupBarrier();
    s = multiplyStaged(p, s);
    workgroupBarrier();
  }
  return s;
}

fn multiplyNN(p: Place) -> mat4x4f {
  var s = mat4x4f();
  for (var k = 0u; k < params.k; k += DEPTH) {
    stageAByRow(p, k);
    stageBByK(p, k);
    workgroupBarrier();
    s = multiplyStaged(p, s);
    workgroupBarrier();
  }
  return s;
}

// Products, and in every invocation the sum over k of its row `lane` of a's block (lane < 64).
struct WithRowSum { products: mat4x4f, rowSum: f32 }

fn multiplyTN(p: Place) -> WithRowSum {
  var s = mat4x4f();
  var sum = 0.0;
  for (var k = 0u; k < params.k; k += DEPTH) {
    stageAByK(p, k);
    stageBByK(p, k);
    workgroupBarrier();
    s = multiplyStaged(p, s);
    if (p.column == 0u && p.lane < BLOCK) {
      for (var step = 0u; step < DEPTH; step += 4u) {
        sum += aBlock[step][p.lane] + aBlock[step + 1u][p.lane] + aBlock[step + 2u][p.lane] +
          aBlock[step + 3u][p.lane];
      }
    }
    workgroupBarrier();
  }
  return WithRowSum(s, sum);
}

fn store(p: Place, s: mat4x4f) {
  for (var r = 0u; r < 4u; r++) {
    let row = p.row + 4u * p.y + r;
    if (row >= params.m) { return; }
    for (var i = 0u; i < 4u; i++) {
      let column = p.column + 4u * p.x + i;
      if (column < params.n) { c[(p.network * params.m + row) * params.n + column] = s[r][i]; }
    }
  }
}

// max(v, 0), but NaN stays NaN.
fn rectified(v: vec4f) -> vec4f {
  let isNaN = (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return select(max(v, vec4f()), v, isNaN);
}

fn activate(block: mat4x4f, add: mat4x4f) -> mat4x4f {
  let s = block + add;
  if (RELU == 0u) { return s; }
  return mat4x4f(rectified(s[0]), rectified(s[1]), rectified(s[2]), rectified(s[3]));
}

@compute @workgroup_size(SIDE, SIDE)
fn nt(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
      @builtin(local_invocation_index) lane: u32) {
  let p = placeOf(group, local, lane);
  store(p, multiplyNT(p));
}

@compute @workgroup_size(SIDE, SIDE)
fn ntBias(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
          @builtin(local_invocation_index) lane: u32) {
  let p = placeOf(group, local, lane);
  var s = multiplyNT(p);
  var add = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let column = min(p.column + 4u * p.x + i, params.n - 1u);
    add[i] = bias[p.network * params.biasStride + column];
  }
  store(p, activate(s, mat4x4f(add, add, add, add)));
}

@compute @workgroup_size(SIDE, SIDE)
fn nn(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
      @builtin(local_invocation_index) lane: u32) {
  let p = placeOf(group, local, lane);
  store(p, multiplyNN(p));
}

@compute @workgroup_size(SIDE, SIDE)
fn nnMasked(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
            @builtin(local_invocation_index) lane: u32) {
  let p = placeOf(group, local, lane);
  var s = multiplyNN(p);
  for (var r = 0u; r < 4u; r++) {
    let row = min(p.row + 4u * p.y + r, params.m - 1u);
    for (var i = 0u; i < 4u; i++) {
      let column = min(p.column + 4u * p.x + i, params.n - 1u);
      let passes = mask[(p.network * params.m + row) * params.n + column] > 0.0;
      s[r][i] = select(0.0, s[r][i], passes);
    }
  }
  store(p, s);
}

@compute @workgroup_size(SIDE, SIDE)
fn nnRowBias(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
             @builtin(local_invocation_index) lane: u32) {
  let p = placeOf(group, local, lane);
  var s = multiplyNN(p);
  var add = mat4x4f();
  for (var r = 0u; r < 4u; r++) {
    add[r] = vec4f(rowBias[min(p.row + 4u * p.y + r, params.m - 1u)]);
  }
  store(p, activate(s, add));
}

@compute @workgroup_size(SIDE, SIDE)
fn tn(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
      @builtin(local_invocation_index) lane: u32) {
  let p = placeOf(group, local, lane);
  store(p, multiplyTN(p).products);
}

@compute @workgroup_size(SIDE, SIDE)
fn tnRowSum(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
            @builtin(local_invocation_index) lane: u32) {
  let p = placeOf(group, local, lane);
  let both = multiplyTN(p);
  store(p, both.products);
  let row = p.row + lane;
  if (p.column == 0u && lane < BLOCK && row < params.m) {
    rowSum[p.network * params.m + row] = both.rowSum;
  }
}
