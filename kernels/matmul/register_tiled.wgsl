// matmul, register-tiled: a tile of 16 x 8 outputs an invocation, held in 8 mat4x4f accumulators.
//
//   nt        c = a b^T            a [m, k], b [n, k]
//   ntBias    c = a b^T + bias     with RELU: max(., 0)
//   nn        c = a b              a [m, k], b [k, n]
//   nnMasked  c = a b where mask > 0, else 0
//   tn        c = a^T b            a [k, m], b [k, n]
//   tnRowSum  c = a^T b, and rowSum[i] = sum over k of a[k, i]
//
// c, mask [batch, m, n]; bias [batch or 1, n]; rowSum [batch, m]. Strides lead from one network of
// the batch to the next; 0 means that all share it.
//
// Launch: tiles of one network in a line along x, the tiles of a row next to each other, z over the
// batch. Four steps of k at a time are 24 vector loads for 512 multiply-adds: on a processor, where a
// load costs as much as 20 to 50 multiply-adds and caches do what workgroup memory does on a GPU,
// this is compute-bound. The same loaders serve all entries: they give blocks of 4 x 4 with
//
//   A_i [k][r]: element (row r, step k) as column r,    B_j: element (step k, column c) as column k
//   c_ij = B_j A_i,   column r of it being row r of the output block
//
// ALIGNED = 1 loads whole vectors: k, m, n and the strides that run along a vector must be multiples
// of 4. ALIGNED = 0 picks elements one by one, with zeros outside.
//
// Register blocking: Volkov and Demmel 2008, doi:10.1109/SC.2008.5214359.

override ALIGNED: u32 = 0u;
override RELU: u32 = 0u;
override WORKGROUP_SIZE: u32 = 8u;
const TILE_ROWS = 16u;
const TILE_COLUMNS = 8u;

struct Params {
  batch: u32, m: u32, n: u32, k: u32, aStride: u32, bStride: u32, biasStride: u32
}

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;
@group(0) @binding(5) var<storage, read_write> rowSum: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Where an invocation's tile stands.
struct Tile { row: u32, column: u32, network: u32, inside: bool }

struct Accumulators {
  c00: mat4x4f, c01: mat4x4f,
  c10: mat4x4f, c11: mat4x4f,
  c20: mat4x4f, c21: mat4x4f,
  c30: mat4x4f, c31: mat4x4f,
}

fn tileOf(id: vec3u) -> Tile {
  let across = (params.n + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  let down = id.x / across;
  let row = down * TILE_ROWS;
  return Tile(row, (id.x - down * across) * TILE_COLUMNS, id.z, row < params.m);
}

fn elementA(i: u32, inside: bool) -> f32 {
  let at = select(0u, i, inside);
  return select(0.0, a[at / 4u][at % 4u], inside);
}

fn elementB(i: u32, inside: bool) -> f32 {
  let at = select(0u, i, inside);
  return select(0.0, b[at / 4u][at % 4u], inside);
}

// Four numbers of a matrix [rows, columns], along a row; zeros outside.
fn fromA(start: u32, rows: u32, columns: u32, row: u32, column: u32) -> vec4f {
  if (ALIGNED == 1u) {
    return a[(start + min(row, rows - 1u) * columns + min(column, columns - 4u)) / 4u];
  }
  let i = start + row * columns + column;
  let inside = select(0u, columns, row < rows);
  return vec4f(elementA(i, column < inside), elementA(i + 1u, column + 1u < inside),
    elementA(i + 2u, column + 2u < inside), elementA(i + 3u, column + 3u < inside));
}

fn fromB(start: u32, rows: u32, columns: u32, row: u32, column: u32) -> vec4f {
  if (ALIGNED == 1u) {
    return b[(start + min(row, rows - 1u) * columns + min(column, columns - 4u)) / 4u];
  }
  let i = start + row * columns + column;
  let inside = select(0u, columns, row < rows);
  return vec4f(elementB(i, column < inside), elementB(i + 1u, column + 1u < inside),
    elementB(i + 2u, column + 2u < inside), elementB(i + 3u, column + 3u < inside));
}

// Block of a [m, k]: rows row..row+3, steps k..k+3.
fn aRows(start: u32, row: u32, k: u32) -> mat4x4f {
  return mat4x4f(
    fromA(start, params.m, params.k, row, k), fromA(start, params.m, params.k, row + 1u, k),
    fromA(start, params.m, params.k, row + 2u, k), fromA(start, params.m, params.k, row + 3u, k));
}

// Block of a [k, m], as aRows gives it.
fn aColumns(start: u32, row: u32, k: u32) -> mat4x4f {
  return transpose(mat4x4f(
    fromA(start, params.k, params.m, k, row), fromA(start, params.k, params.m, k + 1u, row),
    fromA(start, params.k, params.m, k + 2u, row), fromA(start, params.k, params.m, k + 3u, row)));
}

// Block of b [k, n]: steps k..k+3, columns column..column+3.
fn bRows(start: u32, k: u32, column: u32) -> mat4x4f {
  return mat4x4f(
    fromB(start, params.k, params.n, k, column), fromB(start, params.k, params.n, k + 1u, column),
    fromB(start, params.k, params.n, k + 2u, column),
    fromB(start, params.k, params.n, k + 3u, column));
}

// Block of b [n, k], as bRows gives it.
fn bColumns(start: u32, k: u32, column: u32) -> mat4x4f {
  return transpose(mat4x4f(
    fromB(start, params.n, params.k, column, k), fromB(start, params.n, params.k, column + 1u, k),
    fromB(start, params.n, params.k, column + 2u, k),
    fromB(start, params.n, params.k, column + 3u, k)));
}

fn multiplyNT(t: Tile) -> Accumulators {
  var s = Accumulators();
  let aStart = t.network * params.aStride;
  let bStart = t.network * params.bStride;
  for (var k = 0u; k < params.k; k += 4u) {
    let b0 = bColumns(bStart, k, t.column);
    let b1 = bColumns(bStart, k, t.column + 4u);
    let a0 = aRows(aStart, t.row, k);
    s.c00 += b0 * a0;
    s.c01 += b1 * a0;
    let a1 = aRows(aStart, t.row + 4u, k);
    s.c10 += b0 * a1;
    s.c11 += b1 * a1;
    let a2 = aRows(aStart, t.row + 8u, k);
    s.c20 += b0 * a2;
    s.c21 += b1 * a2;
    let a3 = aRows(aStart, t.row + 12u, k);
    s.c30 += b0 * a3;
    s.c31 += b1 * a3;
  }
  return s;
}

fn multiplyNN(t: Tile) -> Accumulators {
  var s = Accumulators();
  let aStart = t.network * params.aStride;
  let bStart = t.network * params.bStride;
  for (var k = 0u; k < params.k; k += 4u) {
    let b0 = bRows(bStart, k, t.column);
    let b1 = bRows(bStart, k, t.column + 4u);
    let a0 = aRows(aStart, t.row, k);
    s.c00 += b0 * a0;
    s.c01 += b1 * a0;
    let a1 = aRows(aStart, t.row + 4u, k);
    s.c10 += b0 * a1;
    s.c11 += b1 * a1;
    let a2 = aRows(aStart, t.row + 8u, k);
    s.c20 += b0 * a2;
    s.c21 += b1 * a2;
    let a3 = aRows(aStart, t.row + 12u, k);
    s.c30 += b0 * a3;
    s.c31 += b1 * a3;
  }
  return s;
}

fn multiplyTN(t: Tile) -> Accumulators {
  var s = Accumulators();
  let aStart = t.network * params.aStride;
  let bStart = t.network * params.bStride;
  for (var k = 0u; k < params.k; k += 4u) {
    let b0 = bRows(bStart, k, t.column);
    let b1 = bRows(bStart, k, t.column + 4u);
    let a0 = aColumns(aStart, t.row, k);
    s.c00 += b0 * a0;
    s.c01 += b1 * a0;
    let a1 = aColumns(aStart, t.row + 4u, k);
    s.c10 += b0 * a1;
    s.c11 += b1 * a1;
    let a2 = aColumns(aStart, t.row + 8u, k);
    s.c20 += b0 * a2;
    s.c21 += b1 * a2;
    let a3 = aColumns(aStart, t.row + 12u, k);
    s.c30 += b0 * a3;
    s.c31 += b1 * a3;
  }
  return s;
}

// Writes a block of 4 x 4 outputs, as far as it lies inside. Spelled out: a matrix in registers
// cannot be indexed by a variable without a detour through memory.
fn store(network: u32, row: u32, column: u32, block: mat4x4f) {
  storeRow(network, row, column, block[0]);
  storeRow(network, row + 1u, column, block[1]);
  storeRow(network, row + 2u, column, block[2]);
  storeRow(network, row + 3u, column, block[3]);
}

fn storeRow(network: u32, row: u32, column: u32, v: vec4f) {
  if (row >= params.m) { return; }
  let i = (network * params.m + row) * params.n + column;
  if (column + 3u < params.n) {
    c[i] = v.x;
    c[i + 1u] = v.y;
    c[i + 2u] = v.z;
    c[i + 3u] = v.w;
  } else {
    if (column < params.n) { c[i] = v.x; }
    if (column + 1u < params.n) { c[i + 1u] = v.y; }
    if (column + 2u < params.n) { c[i + 2u] = v.z; }
  }
}

fn storeAll(t: Tile, s: Accumulators) {
  store(t.network, t.row, t.column, s.c00);
  store(t.network, t.row, t.column + 4u, s.c01);
  store(t.network, t.row + 4u, t.column, s.c10);
  store(t.network, t.row + 4u, t.column + 4u, s.c11);
  store(t.network, t.row + 8u, t.column, s.c20);
  store(t.network, t.row + 8u, t.column + 4u, s.c21);
  store(t.network, t.row + 12u, t.column, s.c30);
  store(t.network, t.row + 12u, t.column + 4u, s.c31);
}

fn biasAt(network: u32, column: u32) -> vec4f {
  let first = network * params.biasStride;
  let last = params.n - 1u;
  return vec4f(bias[first + min(column, last)], bias[first + min(column + 1u, last)],
    bias[first + min(column + 2u, last)], bias[first + min(column + 3u, last)]);
}

fn activate(block: mat4x4f, add: vec4f) -> mat4x4f {
  let low = select(vec4f(-3.4028234e38), vec4f(), RELU == 1u);
  return mat4x4f(max(block[0] + add, low), max(block[1] + add, low), max(block[2] + add, low),
    max(block[3] + add, low));
}

// Zeroes a block where the mask is not positive.
fn masked(network: u32, row: u32, column: u32, block: mat4x4f) -> mat4x4f {
  return mat4x4f(
    maskedRow(network, row, column, block[0]), maskedRow(network, row + 1u, column, block[1]),
    maskedRow(network, row + 2u, column, block[2]), maskedRow(network, row + 3u, column, block[3]));
}

fn maskedRow(network: u32, row: u32, column: u32, v: vec4f) -> vec4f {
  let first = (network * params.m + min(row, params.m - 1u)) * params.n;
  let last = params.n - 1u;
  let signs = vec4f(mask[first + min(column, last)], mask[first + min(column + 1u, last)],
    mask[first + min(column + 2u, last)], mask[first + min(column + 3u, last)]);
  return select(vec4f(), v, signs > vec4f());
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn nt(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (t.inside) { storeAll(t, multiplyNT(t)); }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn ntBias(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (!t.inside) { return; }
  let s = multiplyNT(t);
  let left = biasAt(t.network, t.column);
  let right = biasAt(t.network, t.column + 4u);
  storeAll(t, Accumulators(activate(s.c00, left), activate(s.c01, right), activate(s.c10, left),
    activate(s.c11, right), activate(s.c20, left), activate(s.c21, right), activate(s.c30, left),
    activate(s.c31, right)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn nn(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (t.inside) { storeAll(t, multiplyNN(t)); }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn nnMasked(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (!t.inside) { return; }
  let s = multiplyNN(t);
  let p = t.network;
  storeAll(t, Accumulators(
    masked(p, t.row, t.column, s.c00), masked(p, t.row, t.column + 4u, s.c01),
    masked(p, t.row + 4u, t.column, s.c10), masked(p, t.row + 4u, t.column + 4u, s.c11),
    masked(p, t.row + 8u, t.column, s.c20), masked(p, t.row + 8u, t.column + 4u, s.c21),
    masked(p, t.row + 12u, t.column, s.c30), masked(p, t.row + 12u, t.column + 4u, s.c31)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn tn(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (t.inside) { storeAll(t, multiplyTN(t)); }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn tnRowSum(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (!t.inside) { return; }
  storeAll(t, multiplyTN(t));
  if (t.column != 0u) { return; }
  let start = t.network * params.aStride;
  var sums = mat4x4f();
  for (var k = 0u; k < params.k; k++) {
    sums += mat4x4f(
      fromA(start, params.k, params.m, k, t.row), fromA(start, params.k, params.m, k, t.row + 4u),
      fromA(start, params.k, params.m, k, t.row + 8u),
      fromA(start, params.k, params.m, k, t.row + 12u));
  }
  storeSums(t, 0u, sums[0]);
  storeSums(t, 4u, sums[1]);
  storeSums(t, 8u, sums[2]);
  storeSums(t, 12u, sums[3]);
}

fn storeSums(t: Tile, offset: u32, v: vec4f) {
  let row = t.row + offset;
  let i = t.network * params.m + row;
  if (row < params.m) { rowSum[i] = v.x; }
  if (row + 1u < params.m) { rowSum[i + 1u] = v.y; }
  if (row + 2u < params.m) { rowSum[i + 2u] = v.z; }
  if (row + 3u < params.m) { rowSum[i + 3u] = v.w; }
}
