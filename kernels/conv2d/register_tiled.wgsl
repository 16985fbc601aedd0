// conv2d, register-tiled: 2 rows of 8, 14 or 16 outputs in 8 channels an invocation.
//
//   forward        result[n,o,oy,ox] = bias[o] + sum over i,ky,kx of source[n,i,iy,ix] w[o,i,ky,kx],
//   forwardOdd     the same where outWidth is odd; both max(., 0) with RELU
//   forwardPooled  pooled = the largest of every 2 x 2 of it, argmax = where that stands in its plane,
//                  or NOWHERE where RELU lets nothing through
//
//   iy spread = oy stride + ky - rowPadding, ix likewise; source is 0 between and outside its rows
//
// With spread 1 this is a convolution; with stride 1, the turned weights, dy for the source and the
// stride for the spread it is the gradient to the input (Dumoulin and Visin 2016, arXiv:1603.07285).
//
// source   [networks, batch, groups inChannels, inHeight, inWidth], sourceStride apart, 0 if shared
// weights  bias and weights of one block of 8 o after the other, as pack.wgsl lays them out
// result   [networks, batch, groups outChannels, outHeight, outWidth]; pooled, argmax half as large
//
// Launch: the tiles of an image in a line along x, once for every block of channels while the image is
// in the cache, then the next image; folded; z over the networks. One step is 3 taps of a kernel row:
// one row of the source (the row above was loaded the step before) and 6 vectors of weights for
// 48 COLUMNS multiply-adds, in products of 4 x 3 weights and 3 x 4 neighbors. Columns from COLUMNS to
// 15 are never stored: the compiler drops them.
// Compute-bound. Register blocking of direct convolution: Georganas et al. 2018, arXiv:1808.05567.

// How rows are read. From VECTORS on: kernel 3 wide, padding 1, stride and spread 1 but where said.
override LOAD: u32 = 0u;
const ANY = 0u;       // any shape, 8 columns
const UNIT = 1u;      // stride and spread 1, 8 columns
const VECTORS = 2u;   // inWidth a multiple of 4, 8 or 16 columns
const FOURTEEN = 3u;  // inWidth a multiple of 14, 14 columns; a row may start between two vectors
const HALVING = 4u;   // stride 2, inWidth a multiple of 4, 8 columns
const SPREADING = 5u; // spread 2, inWidth a multiple of 4, 16 columns
override COLUMNS: u32 = 8u;
override RELU: u32 = 0u;
override WORKGROUP_SIZE: u32 = 8u;
const ROWS = 2u;
const BLOCK = 8u; // channels
const RUN = 3u;   // taps
const NOWHERE = 0xffffffffu; // as max_pool.wgsl has it

struct Params {
  networks: u32, sourceStride: u32, batch: u32, groups: u32,
  inChannels: u32, inHeight: u32, inWidth: u32,
  outChannels: u32, outHeight: u32, outWidth: u32,
  kernelHeight: u32, kernelWidth: u32, stride: u32, spread: u32, rowPadding: u32, columnPadding: u32
}

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read> weights: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> result: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> odd: array<f32>; // result of an odd outWidth
@group(0) @binding(4) var<storage, read_write> pooled: array<f32>;
@group(0) @binding(5) var<storage, read_write> argmax: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

// A tile: `image` counts through all networks, `channel` is the first of 8, up to `end`.
struct Tile {
  network: u32, image: u32, group: u32, block: u32, channel: u32, end: u32, row: u32, column: u32
}

// What 16 neighboring outputs see of a source row through 3 taps, one output a column.
struct Windows { a: mat4x3f, b: mat4x3f, c: mat4x3f, d: mat4x3f }

// Four neighboring outputs, one a column, in channels 0-3 and 4-7; a row of sixteen of them.
struct Eight { low: mat4x4f, high: mat4x4f }
struct Sums { a: Eight, b: Eight, c: Eight, d: Eight }
struct Accumulators { top: Sums, bottom: Sums }

fn blocks() -> u32 { return (params.outChannels + BLOCK - 1u) / BLOCK; }

fn tileOf(index: u32, network: u32) -> Tile {
  let across = (params.outWidth + COLUMNS - 1u) / COLUMNS;
  let down = (params.outHeight + ROWS - 1u) / ROWS;
  let line = index / across;
  let image = line / down;
  let block = image % blocks();
  let group = image / blocks() % params.groups;
  let first = group * params.outChannels;
  return Tile(network, network * params.batch + image / blocks() / params.groups, group, block,
    first + block * BLOCK, first + params.outChannels, line % down * ROWS, index % across * COLUMNS);
}

// Rows and columns below 0 wrap to huge numbers, so that one comparison finds both ends.
fn oneOf(line: u32, column: u32, inside: bool) -> f32 {
  let at = select(column / params.spread, column, LOAD != ANY);
  let here = inside && at < params.inWidth && (LOAD != ANY || at * params.spread == column);
  let i = select(0u, line + at, here);
  return select(0.0, source[i / 4u][i % 4u], here);
}

fn threeOf(line: u32, column: u32, i: bool) -> vec3f {
  return vec3f(oneOf(line, column, i), oneOf(line, column + 1u, i), oneOf(line, column + 2u, i));
}

fn vector(line: u32, column: u32, inside: bool) -> vec4f {
  let here = inside && column < params.inWidth;
  return select(vec4f(), source[select(0u, (line + column) / 4u, here)], here);
}

fn neighbors(first: f32, a: vec4f, b: vec4f, c: vec4f, d: vec4f, last: f32) -> Windows {
  return Windows(
    mat4x3f(vec3f(first, a.xy), a.xyz, a.yzw, vec3f(a.zw, b.x)),
    mat4x3f(vec3f(a.w, b.xy), b.xyz, b.yzw, vec3f(b.zw, c.x)),
    mat4x3f(vec3f(b.w, c.xy), c.xyz, c.yzw, vec3f(c.zw, d.x)),
    mat4x3f(vec3f(c.w, d.xy), d.xyz, d.yzw, vec3f(d.zw, last)));
}

fn apart(line: u32, column: u32, i: bool) -> mat4x3f {
  let s = params.stride;
  return mat4x3f(threeOf(line, column, i), threeOf(line, column + s, i),
    threeOf(line, column + 2u * s, i), threeOf(line, column + 3u * s, i));
}

// A row of the source through taps `column` to `column + 2` of the first output.
fn windows(plane: u32, row: u32, column: u32) -> Windows {
  let spread = select(select(1u, 2u, LOAD == SPREADING), params.spread, LOAD == ANY);
  let at = row / spread;
  let i = at < params.inHeight && at * spread == row;
  let line = plane + at * params.inWidth;
  if (LOAD == ANY) {
    let other = apart(line, column + 4u * params.stride, i);
    return Windows(apart(line, column, i), other, mat4x3f(), mat4x3f());
  }
  let inner = column + 1u; // starts a vector, or the second half of one
  if (LOAD == UNIT) {
    return neighbors(oneOf(line, column, i), vec4f(threeOf(line, inner, i), oneOf(line, inner + 3u, i)),
      vec4f(threeOf(line, inner + 4u, i), oneOf(line, inner + 7u, i)),
      vec4f(oneOf(line, inner + 8u, i)), vec4f(), 0.0);
  }
  if (LOAD == SPREADING) {
    let v = vector(line, inner / 2u, i);
    let w = vector(line, inner / 2u + 4u, i);
    return neighbors(0.0, vec4f(v.x, 0, v.y, 0), vec4f(v.z, 0, v.w, 0), vec4f(w.x, 0, w.y, 0),
      vec4f(w.z, 0, w.w, 0), oneOf(line, inner / 2u + 8u, i));
  }
  let a = vector(line, inner, i);
  let b = vector(line, inner + 4u, i);
  let half = LOAD == FOURTEEN && (line + inner) % 4u != 0u;
  let beside = oneOf(line, select(column, column + 15u, half), i); // the other is in a or d
  let c = vector(line, inner + 8u, i);
  let d = vector(line, inner + 12u, i);
  if (LOAD == HALVING) {
    return Windows(mat4x3f(vec3f(beside, a.xy), a.yzw, vec3f(a.w, b.xy), b.yzw),
      mat4x3f(vec3f(b.w, c.xy), c.yzw, vec3f(c.w, d.xy), d.yzw), mat4x3f(), mat4x3f());
  }
  if (LOAD == FOURTEEN) {
    let left = select(beside, select(0.0, a.y, column < params.inWidth), half);
    let right = select(select(0.0, d.z, column + 15u < params.inWidth), beside, half);
    return neighbors(left, select(a, vec4f(a.zw, b.xy), half), select(b, vec4f(b.zw, c.xy), half),
      select(c, vec4f(c.zw, d.xy), half), vec4f(select(d.xy, d.zw, half), right, 0.0), 0.0);
  }
  return neighbors(beside, a, b, c, d, oneOf(line, inner + 16u, i));
}

fn add(s: Sums, row: Windows, low: mat3x4f, high: mat3x4f) -> Sums {
  return Sums(Eight(s.a.low + low * row.a, s.a.high + high * row.a),
    Eight(s.b.low + low * row.b, s.b.high + high * row.b),
    Eight(s.c.low + low * row.c, s.c.high + high * row.c),
    Eight(s.d.low + low * row.d, s.d.high + high * row.d));
}

fn convolve(t: Tile) -> Accumulators {
  let runs = (params.kernelWidth + RUN - 1u) / RUN;
  let plane = params.inHeight * params.inWidth;
  let y = t.row * params.stride - params.rowPadding;
  let x = t.column * params.stride - params.columnPadding;
  var start = t.network * params.sourceStride +
    (t.image % params.batch * params.groups + t.group) * params.inChannels * plane;
  var w = ((t.network * params.groups + t.group) * blocks() + t.block) *
    (params.inChannels * runs * params.kernelHeight * 6u + 2u) + 2u;
  let low = weights[w - 2u];
  let high = weights[w - 1u];
  let bias = Eight(mat4x4f(low, low, low, low), mat4x4f(high, high, high, high));
  let row = Sums(bias, bias, bias, bias);
  var s = Accumulators(row, row);
  for (var k = 0u; k < params.inChannels; k++) {
    for (var run = 0u; run < runs; run++) {
      let column = x + run * RUN;
      var top = windows(start, y, column);
      for (var ky = 0u; ky < params.kernelHeight; ky++) {
        let bottom = windows(start, y + ky + params.stride, column);
        let low = mat3x4f(weights[w], weights[w + 2u], weights[w + 4u]);
        let high = mat3x4f(weights[w + 1u], weights[w + 3u], weights[w + 5u]);
        w += 6u;
        s = Accumulators(add(s.top, top, low, high), add(s.bottom, bottom, low, high));
        top = bottom;
        if (LOAD == ANY || LOAD == HALVING) { top = windows(start, y + ky + 1u, column); }
      }
    }
    start += plane;
  }
  return s;
}

// By their bits: max and comparisons may lose a NaN.
fn areNaN(v: vec4f) -> vec4<bool> { return (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u); }
fn rectified(v: vec4f) -> vec4f { return select(max(v, vec4f()), v, areNaN(v) | vec4<bool>(RELU == 0u)); }

// Two neighboring outputs in four channels.
fn store(t: Tile, four: u32, row: u32, column: u32, a: vec4f, b: vec4f) {
  if (column >= params.outWidth) { return; }
  let channel = t.channel + four;
  let plane = params.outHeight * params.outWidth / 2u;
  let i = (t.image * params.groups * params.outChannels + channel) * plane +
    (row * params.outWidth + column) / 2u;
  let v = transpose(mat2x4f(rectified(a), rectified(b)));
  if (channel < t.end) { result[i] = v[0]; }
  if (channel + 1u < t.end) { result[i + plane] = v[1]; }
  if (channel + 2u < t.end) { result[i + 2u * plane] = v[2]; }
  if (channel + 3u < t.end) { result[i + 3u * plane] = v[3]; }
}

// Not a loop: an index that varies would move the sums from registers to memory.
fn storeFour(t: Tile, row: u32, left: u32, m: Eight) {
  if (left >= COLUMNS) { return; }
  store(t, 0u, row, t.column + left, m.low[0], m.low[1]);
  store(t, 4u, row, t.column + left, m.high[0], m.high[1]);
  if (left + 2u >= COLUMNS) { return; }
  store(t, 0u, row, t.column + left + 2u, m.low[2], m.low[3]);
  store(t, 4u, row, t.column + left + 2u, m.high[2], m.high[3]);
}
fn storeRow(t: Tile, row: u32, s: Sums) {
  if (row >= params.outHeight) { return; }
  storeFour(t, row, 0u, s.a);
  storeFour(t, row, 4u, s.b);
  storeFour(t, row, 8u, s.c);
  storeFour(t, row, 12u, s.d);
}
// A row that may start between two pairs; the loop is slow, and such widths are rare.
fn storeOdd(t: Tile, row: u32, s: Sums) {
  var all = array(s.a.low, s.b.low, s.c.low, s.d.low, s.a.high, s.b.high, s.c.high, s.d.high);
  for (var i = 0u; i < BLOCK * COLUMNS; i++) {
    let c = i / COLUMNS;
    let j = i % COLUMNS;
    if (t.channel + c < t.end && row < params.outHeight && t.column + j < params.outWidth) {
      let plane = t.image * params.groups * params.outChannels + t.channel + c;
      odd[(plane * params.outHeight + row) * params.outWidth + t.column + j] =
        rectified(all[c / 4u * 4u + j / 4u][j % 4u])[c % 4u];
    }
  }
}

fn poolFour(t: Tile, left: u32, top: Eight, bottom: Eight) {
  if (left >= COLUMNS) { return; }
  let column = t.column + left;
  pool(t, 0u, column, top.low[0], top.low[1], bottom.low[0], bottom.low[1]);
  pool(t, 4u, column, top.high[0], top.high[1], bottom.high[0], bottom.high[1]);
  if (left + 2u >= COLUMNS) { return; }
  pool(t, 0u, column + 2u, top.low[2], top.low[3], bottom.low[2], bottom.low[3]);
  pool(t, 4u, column + 2u, top.high[2], top.high[3], bottom.high[2], bottom.high[3]);
}
// One window; the first of equals wins, and NaN stays NaN.
fn pool(t: Tile, four: u32, column: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) {
  let corner = t.row * params.outWidth + column;
  let above = select(vec4u(corner), vec4u(corner + 1u), b > a);
  let below = select(vec4u(corner), vec4u(corner + 1u), d > c) + params.outWidth;
  let best = max(max(a, b), max(c, d));
  let passes = vec4<bool>(RELU == 0u) | (best > vec4f());
  let hasNaN = areNaN(a) | areNaN(b) | areNaN(c) | areNaN(d);
  let values = select(select(vec4f(), best, passes), a + b + c + d, hasNaN);
  let places = select(vec4u(NOWHERE), select(above, below, max(c, d) > max(a, b)), passes);
  let size = vec2u(params.outWidth, params.outHeight) / 2u;
  if (t.row / 2u >= size.y || column / 2u >= size.x) { return; }
  let channel = t.channel + four;
  let plane = t.image * params.groups * params.outChannels + channel;
  let i = (plane * size.y + t.row / 2u) * size.x + column / 2u;
  let next = size.x * size.y;
  if (channel < t.end) { pooled[i] = values.x; argmax[i] = places.x; }
  if (channel + 1u < t.end) { pooled[i + next] = values.y; argmax[i + next] = places.y; }
  if (channel + 2u < t.end) { pooled[i + 2u * next] = values.z; argmax[i + 2u * next] = places.z; }
  if (channel + 3u < t.end) { pooled[i + 3u * next] = values.w; argmax[i + 3u * next] = places.w; }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let t = tileOf(id.y * groups.x * WORKGROUP_SIZE + id.x, id.z);
  if (t.image >= (id.z + 1u) * params.batch) { return; }
  let s = convolve(t);
  storeRow(t, t.row, s.top);
  storeRow(t, t.row + 1u, s.bottom);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forwardOdd(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let t = tileOf(id.y * groups.x * WORKGROUP_SIZE + id.x, id.z);
  if (t.image >= (id.z + 1u) * params.batch) { return; }
  let s = convolve(t);
  storeOdd(t, t.row, s.top);
  storeOdd(t, t.row + 1u, s.bottom);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forwardPooled(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let t = tileOf(id.y * groups.x * WORKGROUP_SIZE + id.x, id.z);
  if (t.image >= (id.z + 1u) * params.batch) { return; }
  let s = convolve(t);
  poolFour(t, 0u, s.top.a, s.bottom.a);
  poolFour(t, 4u, s.top.b, s.bottom.b);
  poolFour(t, 8u, s.top.c, s.bottom.c);
  poolFour(t, 12u, s.top.d, s.bottom.d);
}
