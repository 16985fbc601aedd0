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
struct Tile { row: u32, column: u32, network: u32, aStart: u32, bStart: u32, inside: bool }

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
  return Tile(row, (id.x - down * across) * TILE_COLUMNS, id.z, id.z * params.aStride,
    id.z * params.bStride, row < params.m);
}

// Where the four vectors of a block begin, in vectors; what a step adds to them is `advance`. All
// that does not change along k is computed here, once: lavapipe hoists nothing out of a loop.
// byK: the matrix is stored [k, lines], else [lines, k].
fn bases(start: u32, lines: u32, line: u32, byK: bool) -> vec4u {
  let j = vec4u(0u, 1u, 2u, 3u);
  if (byK) { return (start + min(line, lines - min(lines, 4u))) / 4u + j * (lines / 4u); }
  return (start + min(line + j, vec4u(lines - 1u)) * params.k) / 4u;
}

fn advance(lines: u32, k: u32, byK: bool) -> u32 { return select(k / 4u, k * (lines / 4u), byK); }

// Where the element of line `line` and step `k` is, or nowhere.
fn place(start: u32, lines: u32, line: u32, k: u32, byK: bool) -> vec2u {
  let inside = line < lines && k < params.k;
  let at = start + select(line * params.k + k, k * lines + line, byK);
  return select(vec2u(), vec2u(at, 1u), inside);
}

fn elementA(start: u32, line: u32, k: u32, byK: bool) -> f32 {
  let at = place(start, params.m, line, k, byK);
  return select(0.0, a[at.x / 4u][at.x % 4u], at.y == 1u);
}

fn elementB(start: u32, line: u32, k: u32, byK: bool) -> f32 {
  let at = place(start, params.n, line, k, byK);
  return select(0.0, b[at.x / 4u][at.x % 4u], at.y == 1u);
}

// Steps k .. k+3 of one row of a.
fn lineA(start: u32, line: u32, k: u32, byK: bool) -> vec4f {
  return vec4f(elementA(start, line, k, byK), elementA(start, line, k + 1u, byK),
    elementA(start, line, k + 2u, byK), elementA(start, line, k + 3u, byK));
}

fn lineB(start: u32, line: u32, k: u32, byK: bool) -> vec4f {
  return vec4f(elementB(start, line, k, byK), elementB(start, line, k + 1u, byK),
    elementB(start, line, k + 2u, byK), elementB(start, line, k + 3u, byK));
}

// Rows row .. row+3 of a for steps k .. k+3, a row a column of the block.
fn blockA(t: Tile, base: vec4u, row: u32, k: u32, byK: bool) -> mat4x4f {
  if (ALIGNED == 1u) {
    let i = base + advance(params.m, k, byK);
    let block = mat4x4f(a[i.x], a[i.y], a[i.z], a[i.w]);
    if (byK) { return transpose(block); }
    return block;
  }
  return mat4x4f(lineA(t.aStart, row, k, byK), lineA(t.aStart, row + 1u, k, byK),
    lineA(t.aStart, row + 2u, k, byK), lineA(t.aStart, row + 3u, k, byK));
}

// Steps k .. k+3 of b for columns column .. column+3, a step a column of the block.
fn blockB(t: Tile, base: vec4u, column: u32, k: u32, byK: bool) -> mat4x4f {
  if (ALIGNED == 1u) {
    let i = base + advance(params.n, k, byK);
    let block = mat4x4f(b[i.x], b[i.y], b[i.z], b[i.w]);
    if (byK) { return block; }
    return transpose(block);
  }
  return transpose(mat4x4f(lineB(t.bStart, column, k, byK), lineB(t.bStart, column + 1u, k, byK),
    lineB(t.bStart, column + 2u, k, byK), lineB(t.bStart, column + 3u, k, byK)));
}

fn multiply(t: Tile, aByK: bool, bByK: bool) -> Accumulators {
  var s = Accumulators();
  let r0 = bases(t.aStart, params.m, t.row, aByK);
  let r1 = bases(t.aStart, params.m, t.row + 4u, aByK);
  let r2 = bases(t.aStart, params.m, t.row + 8u, aByK);
  let r3 = bases(t.aStart, params.m, t.row + 12u, aByK);
  let q0 = bases(t.bStart, params.n, t.column, bByK);
  let q1 = bases(t.bStart, params.n, t.column + 4u, bByK);
  for (var k = 0u; k < params.k; k += 4u) {
    let b0 = blockB(t, q0, t.column, k, bByK);
    let b1 = blockB(t, q1, t.column + 4u, k, bByK);
    let a0 = blockA(t, r0, t.row, k, aByK);
    s.c00 += b0 * a0;
    s.c01 += b1 * a0;
    let a1 = blockA(t, r1, t.row + 4u, k, aByK);
    s.c10 += b0 * a1;
    s.c11 += b1 * a1;
    let a2 = blockA(t, r2, t.row + 8u, k, aByK);
    s.c20 += b0 * a2;
    s.c21 += b1 * a2;
    let a3 = blockA(t, r3, t.row + 12u, k, aByK);
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
  if (t.inside) { storeAll(t, multiply(t, false, false)); }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn ntBias(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (!t.inside) { return; }
  let s = multiply(t, false, false);
  let left = biasAt(t.network, t.column);
  let right = biasAt(t.network, t.column + 4u);
  storeAll(t, Accumulators(activate(s.c00, left), activate(s.c01, right), activate(s.c10, left),
    activate(s.c11, right), activate(s.c20, left), activate(s.c21, right), activate(s.c30, left),
    activate(s.c31, right)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn nn(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (t.inside) { storeAll(t, multiply(t, false, true)); }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn nnMasked(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (!t.inside) { return; }
  let s = multiply(t, false, true);
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
  if (t.inside) { storeAll(t, multiply(t, true, true)); }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn tnRowSum(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (!t.inside) { return; }
  storeAll(t, multiply(t, true, true));
  if (t.column != 0u) { return; }
  var sums = mat4x4f();
  let ones = vec4f(1.0);
  for (var k = 0u; k < params.k; k += 4u) {
    sums += mat4x4f(
      ones * blockA(t, bases(t.aStart, params.m, t.row, true), t.row, k, true),
      ones * blockA(t, bases(t.aStart, params.m, t.row + 4u, true), t.row + 4u, k, true),
      ones * blockA(t, bases(t.aStart, params.m, t.row + 8u, true), t.row + 8u, k, true),
      ones * blockA(t, bases(t.aStart, params.m, t.row + 12u, true), t.row + 12u, k, true));
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
