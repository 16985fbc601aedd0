// matmul, register-tiled: a tile of 16 x 16 or 16 x 8 outputs an invocation, in mat4x4f accumulators.
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
// Launch: tiles of one network in a line along x, row by row, z over the batch. Four steps of k are 32
// vector loads for 1,024 multiply-adds: on a processor, where a load costs as much as 20 to 50 of them
// and caches do what workgroup memory does on a GPU, this is compute-bound. With COLUMNS = 8 the right
// half of a tile is never stored, and the compiler drops it: for products that have few tiles. The
// same loaders serve all entries: they give blocks of 4 x 4 with
//
//   A_i [k][r]: element (row r, step k) as column r,    B_j: element (step k, column c) as column k
//   c_ij = B_j A_i,   column r of it being row r of the output block
//
// ALIGNED = 1 loads whole vectors: k, m, n and strides along a vector must be multiples of 4. ALIGNED
// = 0 picks elements one by one, with zeros outside.
//
// Register blocking: Volkov and Demmel 2008, doi:10.1109/SC.2008.5214359.

override ALIGNED: u32 = 0u;
override COLUMNS: u32 = 16u; // or 8
override RELU: u32 = 0u;
override WORKGROUP_SIZE: u32 = 8u;
const ROWS = 16u;

struct Params { batch: u32, m: u32, n: u32, k: u32, aStride: u32, bStride: u32, biasStride: u32 }

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;
@group(0) @binding(5) var<storage, read_write> rowSum: array<f32>;
@group(0) @binding(6) var<storage, read> rowBias: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Where an invocation's tile stands.
struct Tile { row: u32, column: u32, network: u32, aStart: u32, bStart: u32, inside: bool }

// Four blocks of 4 x 4 side by side, and a tile of them.
struct Blocks { a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f }
struct Accumulators { r0: Blocks, r4: Blocks, r8: Blocks, r12: Blocks }

fn tileOf(id: vec3u) -> Tile {
  let across = (params.n + COLUMNS - 1u) / COLUMNS;
  let down = id.x / across;
  let row = down * ROWS;
  return Tile(row, (id.x - down * across) * COLUMNS, id.z, id.z * params.aStride,
    id.z * params.bStride, row < params.m);
}

// Where the four vectors of a block begin, in vectors; a step adds `advance`. Computed once, as lavapipe
// hoists nothing out of a loop. byK: the matrix is stored [k, lines], else [lines, k].
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
fn add(s: Blocks, b: Blocks, a: mat4x4f) -> Blocks {
  return Blocks(s.a + b.a * a, s.b + b.b * a, s.c + b.c * a, s.d + b.d * a);
}

fn multiply(t: Tile, aByK: bool, bByK: bool) -> Accumulators {
  var s = Accumulators();
  let a0 = bases(t.aStart, params.m, t.row, aByK);
  let a4 = bases(t.aStart, params.m, t.row + 4u, aByK);
  let a8 = bases(t.aStart, params.m, t.row + 8u, aByK);
  let a12 = bases(t.aStart, params.m, t.row + 12u, aByK);
  let b0 = bases(t.bStart, params.n, t.column, bByK);
  let b4 = bases(t.bStart, params.n, t.column + 4u, bByK);
  let b8 = bases(t.bStart, params.n, t.column + 8u, bByK);
  let b12 = bases(t.bStart, params.n, t.column + 12u, bByK);
  for (var k = 0u; k < params.k; k += 4u) {
    let b = Blocks(blockB(t, b0, t.column, k, bByK), blockB(t, b4, t.column + 4u, k, bByK),
      blockB(t, b8, t.column + 8u, k, bByK), blockB(t, b12, t.column + 12u, k, bByK));
    s.r0 = add(s.r0, b, blockA(t, a0, t.row, k, aByK));
    s.r4 = add(s.r4, b, blockA(t, a4, t.row + 4u, k, aByK));
    s.r8 = add(s.r8, b, blockA(t, a8, t.row + 8u, k, aByK));
    s.r12 = add(s.r12, b, blockA(t, a12, t.row + 12u, k, aByK));
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
fn storeBlocks(t: Tile, row: u32, s: Blocks) {
  store(t.network, row, t.column, s.a);
  store(t.network, row, t.column + 4u, s.b);
  if (COLUMNS == 8u) { return; }
  store(t.network, row, t.column + 8u, s.c);
  store(t.network, row, t.column + 12u, s.d);
}
fn storeAll(t: Tile, s: Accumulators) {
  storeBlocks(t, t.row, s.r0);
  storeBlocks(t, t.row + 4u, s.r4);
  storeBlocks(t, t.row + 8u, s.r8);
  storeBlocks(t, t.row + 12u, s.r12);
}

// max(v, 0) if asked for, but NaN stays NaN.
fn rectified(v: vec4f) -> vec4f {
  let isNaN = (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return select(max(v, vec4f()), v, vec4<bool>(RELU == 0u) | isNaN);
}
fn activate(block: mat4x4f, add: mat4x4f) -> mat4x4f {
  let s = block + add;
  return mat4x4f(rectified(s[0]), rectified(s[1]), rectified(s[2]), rectified(s[3]));
}
fn activateBlocks(s: Blocks, add: Blocks) -> Blocks {
  return Blocks(activate(s.a, add.a), activate(s.b, add.b), activate(s.c, add.c), activate(s.d, add.d));
}

// Four indices from `first` on, none beyond the last of `count`.
fn fourOf(first: u32, count: u32) -> vec4u {
  return min(first + vec4u(0u, 1u, 2u, 3u), vec4u(count - 1u));
}

// What is added to a block: the same to its four rows, or to its four columns.
fn columnsAdd(network: u32, column: u32) -> mat4x4f {
  let i = network * params.biasStride + fourOf(column, params.n);
  let v = vec4f(bias[i.x], bias[i.y], bias[i.z], bias[i.w]);
  return mat4x4f(v, v, v, v);
}
fn rowsAdd(row: u32) -> Blocks {
  let i = fourOf(row, params.m);
  let m = mat4x4f(vec4f(rowBias[i.x]), vec4f(rowBias[i.y]), vec4f(rowBias[i.z]), vec4f(rowBias[i.w]));
  return Blocks(m, m, m, m);
}

// Zeroes a block where the mask is not positive.
fn masked(network: u32, row: u32, column: u32, block: mat4x4f) -> mat4x4f {
  return mat4x4f(
    maskedRow(network, row, column, block[0]), maskedRow(network, row + 1u, column, block[1]),
    maskedRow(network, row + 2u, column, block[2]), maskedRow(network, row + 3u, column, block[3]));
}
fn maskedRow(network: u32, row: u32, column: u32, v: vec4f) -> vec4f {
  let i = (network * params.m + min(row, params.m - 1u)) * params.n + fourOf(column, params.n);
  return select(vec4f(), v, vec4f(mask[i.x], mask[i.y], mask[i.z], mask[i.w]) > vec4f());
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
  let bias = Blocks(columnsAdd(t.network, t.column), columnsAdd(t.network, t.column + 4u),
    columnsAdd(t.network, t.column + 8u), columnsAdd(t.network, t.column + 12u));
  storeAll(t, Accumulators(activateBlocks(s.r0, bias), activateBlocks(s.r4, bias),
    activateBlocks(s.r8, bias), activateBlocks(s.r12, bias)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn nn(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (t.inside) { storeAll(t, multiply(t, false, true)); }
}

fn maskedBlocks(t: Tile, row: u32, s: Blocks) -> Blocks {
  return Blocks(masked(t.network, row, t.column, s.a), masked(t.network, row, t.column + 4u, s.b),
    masked(t.network, row, t.column + 8u, s.c), masked(t.network, row, t.column + 12u, s.d));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn nnMasked(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (!t.inside) { return; }
  let s = multiply(t, false, true);
  storeAll(t, Accumulators(maskedBlocks(t, t.row, s.r0), maskedBlocks(t, t.row + 4u, s.r4),
    maskedBlocks(t, t.row + 8u, s.r8), maskedBlocks(t, t.row + 12u, s.r12)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn nnRowBias(@builtin(global_invocation_id) id: vec3u) {
  let t = tileOf(id);
  if (!t.inside) { return; }
  let s = multiply(t, false, true);
  storeAll(t, Accumulators(
    activateBlocks(s.r0, rowsAdd(t.row)), activateBlocks(s.r4, rowsAdd(t.row + 4u)),
    activateBlocks(s.r8, rowsAdd(t.row + 8u)), activateBlocks(s.r12, rowsAdd(t.row + 12u))));
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
