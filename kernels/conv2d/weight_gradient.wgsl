// conv2d_weight_gradient: register-tiled, in partial sums that a second kernel adds in order.
//
//   partial   partials[s] = [dw, db] of the lines of dy that belong to split s
//   sum       dw, db      = sum over s of parts[s]      (the same tensor, read)
//
// for every i of the group of o:
//
//   dw[o, i, ky, kx] = sum over n, oy, ox of dy[n,o,oy,ox] x[n,i, oy stride + ky - padding, ...]
//   db[o]            = sum over n, oy, ox of dy[n,o,oy,ox]
//
// x         [networks, batch, inChannels, inHeight, inWidth], xStride apart, 0 if shared
// dy        [networks, batch, outChannels, outHeight, outWidth]
// dw        [networks, outChannels, inChannels / groups, kernelHeight, kernelWidth]; db [networks, outChannels]
// partials, parts  [splits, all of dw, all of db]
//
// A pair (i, ky) is called a stripe: the row of x that it reads is fixed by the row of dy, and
// dw[o, stripe, kx] is a row of kx. An invocation of `partial` holds 16 channels o x 4 stripes x 3 kx
// in 16 mat3x4f accumulators, and walks along its lines by 2 outputs: 16 pairs of dy, and 4 pairs of
// x beside those that it still holds, for 384 multiply-adds. Compute-bound on a processor.
//
// Launch: tiles next to each other along x, splits after splits, folded; z over the networks. Few
// weights and many outputs would leave most lanes idle without splits; a fixed order of sums gives
// the same bits every time. UNIT_STRIDE = 1 promises stride 1, EVEN_WIDTH = 1 an even outWidth.
//
// Register blocking of direct convolution: Georganas et al. 2018, arXiv:1808.05567.

override EVEN_WIDTH: u32 = 0u;
override UNIT_STRIDE: u32 = 0u;
override WORKGROUP_SIZE: u32 = 8u;
const BLOCK = 16u;  // channels of dy
const STRIPES = 4u;
const RUN = 3u;     // taps

struct Params {
  networks: u32, xStride: u32, batch: u32, groups: u32,
  inChannels: u32, inHeight: u32, inWidth: u32,
  outChannels: u32, outHeight: u32, outWidth: u32,
  kernelHeight: u32, kernelWidth: u32, stride: u32, padding: u32, splits: u32
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;
@group(0) @binding(3) var<storage, read> parts: array<f32>; // partials, read
@group(0) @binding(4) var<storage, read_write> dw: array<f32>;
@group(0) @binding(5) var<storage, read_write> db: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Sixteen channels of one stripe, four a matrix, one tap a column.
struct Taps { c0: mat3x4f, c4: mat3x4f, c8: mat3x4f, c12: mat3x4f }

struct Accumulators { s0: Taps, s1: Taps, s2: Taps, s3: Taps, bias: mat4x4f }

// Two neighbors of a line of dy in sixteen channels, one neighbor a column.
struct Pairs { c0: mat2x4f, c4: mat2x4f, c8: mat2x4f, c12: mat2x4f }

// Stripes and output channels of one group.
fn stripeCount() -> u32 { return params.inChannels / params.groups * params.kernelHeight; }
fn outShare() -> u32 { return params.outChannels / params.groups; }

fn dwLength() -> u32 {
  return params.networks * params.outChannels * stripeCount() * params.kernelWidth;
}

// Two neighbors of a line of dy, zero beyond its end.
fn pairOfDy(line: u32, ox: u32) -> vec2f {
  let i = line + ox;
  if (EVEN_WIDTH == 1u) { return dy[i / 2u]; }
  let second = (i + 1u) / 2u;
  return vec2f(dy[i / 2u][i % 2u],
    select(0.0, dy[second][(i + 1u) % 2u], ox + 1u < params.outWidth));
}

fn pairsOfDy(line: u32, plane: u32, ox: u32) -> mat2x4f {
  return transpose(mat4x2f(pairOfDy(line, ox), pairOfDy(line + plane, ox),
    pairOfDy(line + 2u * plane, ox), pairOfDy(line + 3u * plane, ox)));
}

// Rows and columns below 0 wrap to huge numbers, so that one comparison finds both ends.
fn fromX(line: u32, column: u32, inside: bool) -> f32 {
  let here = inside && column < params.inWidth;
  return select(0.0, x[select(0u, line + column, here)], here);
}

// A row of x.
struct Line { start: u32, inside: bool }

fn lineOfX(group: u32, oy: u32, stripe: u32) -> Line {
  let row = oy * params.stride + stripe % params.kernelHeight - params.padding;
  return Line(group + (stripe / params.kernelHeight * params.inHeight + row) * params.inWidth,
    row < params.inHeight && stripe < stripeCount());
}

fn pairOfX(line: Line, column: u32) -> vec2f {
  return vec2f(fromX(line.start, column, line.inside), fromX(line.start, column + 1u, line.inside));
}

// What two outputs see of a row through taps 0, 1 and 2, one tap a column; `left` was loaded before.
fn windows(line: Line, column: u32, left: vec2f, right: vec2f) -> mat3x2f {
  if (UNIT_STRIDE == 1u) { return mat3x2f(left, vec2f(left.y, right.x), right); }
  let next = column + params.stride;
  let a = pairOfX(line, column);
  let b = pairOfX(line, next);
  return mat3x2f(a.x, b.x, a.y, b.y, fromX(line.start, column + 2u, line.inside),
    fromX(line.start, next + 2u, line.inside));
}

fn add(s: Taps, pairs: Pairs, w: mat3x2f) -> Taps {
  return Taps(s.c0 + pairs.c0 * w, s.c4 + pairs.c4 * w, s.c8 + pairs.c8 * w, s.c12 + pairs.c12 * w);
}

// Lines `first` to `until` of dy, counted through the batch, for taps 3 run to 3 run + 2.
fn accumulate(network: u32, o: u32, stripe: u32, run: u32, first: u32, until: u32) -> Accumulators {
  var s = Accumulators();
  let plane = params.outHeight * params.outWidth;
  let one = vec2f(1.0);
  for (var line = first; line < until; line++) {
    let n = line / params.outHeight;
    let oy = line % params.outHeight;
    let inPlane = params.inHeight * params.inWidth;
    let group = network * params.xStride +
      (n * params.inChannels + o / outShare() * (params.inChannels / params.groups)) * inPlane;
    let x0 = lineOfX(group, oy, stripe);
    let x1 = lineOfX(group, oy, stripe + 1u);
    let x2 = lineOfX(group, oy, stripe + 2u);
    let x3 = lineOfX(group, oy, stripe + 3u);
    let start = ((network * params.batch + n) * params.outChannels + o) * plane +
      oy * params.outWidth;
    var column = run * RUN - params.padding;
    var left0 = pairOfX(x0, column);
    var left1 = pairOfX(x1, column);
    var left2 = pairOfX(x2, column);
    var left3 = pairOfX(x3, column);
    for (var ox = 0u; ox < params.outWidth; ox += 2u) {
      let pairs = Pairs(pairsOfDy(start, plane, ox), pairsOfDy(start + 4u * plane, plane, ox),
        pairsOfDy(start + 8u * plane, plane, ox), pairsOfDy(start + 12u * plane, plane, ox));
      s.bias += mat4x4f(pairs.c0 * one, pairs.c4 * one, pairs.c8 * one, pairs.c12 * one);
      let right0 = pairOfX(x0, column + 2u);
      let right1 = pairOfX(x1, column + 2u);
      let right2 = pairOfX(x2, column + 2u);
      let right3 = pairOfX(x3, column + 2u);
      s.s0 = add(s.s0, pairs, windows(x0, column, left0, right0));
      s.s1 = add(s.s1, pairs, windows(x1, column, left1, right1));
      s.s2 = add(s.s2, pairs, windows(x2, column, left2, right2));
      s.s3 = add(s.s3, pairs, windows(x3, column, left3, right3));
      left0 = right0;
      left1 = right1;
      left2 = right2;
      left3 = right3;
      column += 2u * params.stride;
    }
  }
  return s;
}

// Three taps of one stripe in four channels.
fn store(start: u32, o: u32, end: u32, stripe: u32, kx: u32, sums: mat3x4f) {
  let byChannel = transpose(sums);
  for (var c = 0u; c < 4u; c++) {
    if (o + c >= end || stripe >= stripeCount()) { return; }
    let i = start + ((o + c) * stripeCount() + stripe) * params.kernelWidth + kx;
    partials[i] = byChannel[c].x;
    if (kx + 1u < params.kernelWidth) { partials[i + 1u] = byChannel[c].y; }
    if (kx + 2u < params.kernelWidth) { partials[i + 2u] = byChannel[c].z; }
  }
}

fn storeTaps(start: u32, o: u32, end: u32, stripe: u32, kx: u32, taps: Taps) {
  store(start, o, end, stripe, kx, taps.c0);
  store(start, o + 4u, end, stripe, kx, taps.c4);
  store(start, o + 8u, end, stripe, kx, taps.c8);
  store(start, o + 12u, end, stripe, kx, taps.c12);
}

fn storeBias(start: u32, o: u32, end: u32, sums: vec4f) {
  for (var c = 0u; c < 4u; c++) {
    if (o + c < end) { partials[start + o + c] = sums[c]; }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn partial(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let across = (stripeCount() + STRIPES - 1u) / STRIPES;
  let down = (outShare() + BLOCK - 1u) / BLOCK;
  let runs = (params.kernelWidth + RUN - 1u) / RUN;
  let stripe = index % across * STRIPES;
  let run = index / across % runs;
  let block = index / (across * runs) % (down * params.groups);
  let o = block / down * outShare() + block % down * BLOCK;
  let end = (block / down + 1u) * outShare(); // of the group
  let split = index / (across * runs * down * params.groups);
  if (split >= params.splits) { return; }

  let lines = params.batch * params.outHeight;
  let share = (lines + params.splits - 1u) / params.splits;
  let s = accumulate(id.z, o, stripe, run, split * share, min((split + 1u) * share, lines));

  let all = dwLength();
  let start = split * (all + params.networks * params.outChannels);
  let own = start + all / params.networks * id.z;
  let kx = run * RUN;
  storeTaps(own, o, end, stripe, kx, s.s0);
  storeTaps(own, o, end, stripe + 1u, kx, s.s1);
  storeTaps(own, o, end, stripe + 2u, kx, s.s2);
  storeTaps(own, o, end, stripe + 3u, kx, s.s3);
  if (stripe == 0u && run == 0u) {
    let bias = start + all + id.z * params.outChannels;
    storeBias(bias, o, end, s.bias[0]);
    storeBias(bias, o + 4u, end, s.bias[1]);
    storeBias(bias, o + 8u, end, s.bias[2]);
    storeBias(bias, o + 12u, end, s.bias[3]);
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn sum(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let all = dwLength();
  let length = all + params.networks * params.outChannels;
  if (i >= length) { return; }
  var total = 0.0;
  for (var at = i; at < params.splits * length; at += length) { total += parts[at]; }
  if (i < all) { dw[i] = total; } else { db[i - all] = total; }
}
