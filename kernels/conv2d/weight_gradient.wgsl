// conv2d_weight_gradient: register-tiled, in partial sums that a second kernel adds in order.
//
//   partial   partials[s] = [dw, db] of the lines of dy that belong to split s
//   sum       dw, db      = sum over s of parts[s]      (the same tensor, read)
//
//   dw[o, i, ky, kx] = sum over n, oy, ox of dy[n,o,oy,ox] x[n,i, oy stride + ky - padding, ...]
//   db[o]            = sum over n, oy, ox of dy[n,o,oy,ox]
//
// x         [networks, batch, inChannels, inHeight, inWidth], xStride apart, 0 if shared
// dy        [networks, batch, outChannels, outHeight, outWidth]
// dw        [networks, outChannels, inChannels, kernelHeight, kernelWidth]; db [networks, outChannels]
// partials, parts  [splits, all of dw, all of db]
//
// A pair (i, ky) is called a stripe: the row of x that it reads is fixed by the row of dy, and
// dw[o, stripe, kx] is a row of kx. An invocation of `partial` holds 8 channels o x 4 stripes x 3 kx
// in 8 mat3x4f accumulators, and steps through its lines by 4 outputs: 8 x 4 numbers of dy and 4 x 6
// of x for 384 multiply-adds, compute-bound on a processor.
//
// Launch: tiles next to each other along x, splits after splits, folded; z over the networks. Few
// weights and many outputs would leave most lanes idle without splits; a fixed order of sums gives
// the same bits every time. UNIT_STRIDE = 1 promises stride 1.
//
// Register blocking of direct convolution: Georganas et al. 2018, arXiv:1808.05567.

override UNIT_STRIDE: u32 = 0u;
override WORKGROUP_SIZE: u32 = 8u;
const BLOCK = 8u;   // channels of dy
const STRIPES = 4u;
const RUN = 3u;     // taps

struct Params {
  networks: u32, xStride: u32, batch: u32,
  inChannels: u32, inHeight: u32, inWidth: u32,
  outChannels: u32, outHeight: u32, outWidth: u32,
  kernelHeight: u32, kernelWidth: u32, stride: u32, padding: u32, splits: u32
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;
@group(0) @binding(3) var<storage, read> parts: array<f32>; // partials, read
@group(0) @binding(4) var<storage, read_write> dw: array<f32>;
@group(0) @binding(5) var<storage, read_write> db: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

struct Accumulators {
  a0: mat3x4f, a1: mat3x4f, a2: mat3x4f, a3: mat3x4f, // channels 0-3 of stripes 0-3, one kx a column
  b0: mat3x4f, b1: mat3x4f, b2: mat3x4f, b3: mat3x4f, // channels 4-7
  biasA: vec4f, biasB: vec4f,
}

fn stripeCount() -> u32 { return params.inChannels * params.kernelHeight; }

fn dwLength() -> u32 {
  return params.networks * params.outChannels * stripeCount() * params.kernelWidth;
}

// Four neighbors of a line of dy, zeros beyond its end.
fn fourOfDy(line: u32, ox: u32) -> vec4f {
  let rest = params.outWidth - ox;
  return vec4f(dy[line + ox], select(0.0, dy[line + ox + 1u], rest > 1u),
    select(0.0, dy[line + ox + 2u], rest > 2u), select(0.0, dy[line + ox + 3u], rest > 3u));
}

// Rows and columns below 0 wrap to huge numbers, so that one comparison finds both ends.
fn fromX(line: u32, column: u32, inside: bool) -> f32 {
  let here = inside && column < params.inWidth;
  return select(0.0, x[select(0u, line + column, here)], here);
}

fn threeOfX(line: u32, column: u32, inside: bool) -> vec3f {
  return vec3f(fromX(line, column, inside), fromX(line, column + 1u, inside),
    fromX(line, column + 2u, inside));
}

// A row of x.
struct Line { start: u32, inside: bool }

fn lineOfX(image: u32, oy: u32, stripe: u32) -> Line {
  let row = oy * params.stride + stripe % params.kernelHeight - params.padding;
  return Line(image + (stripe / params.kernelHeight * params.inHeight + row) * params.inWidth,
    row < params.inHeight && stripe < stripeCount());
}

// What four outputs see of a row through taps 0, 1 and 2, one tap a column.
fn windowsOfX(line: Line, column: u32) -> mat3x4f {
  let l = line.start;
  let i = line.inside;
  if (UNIT_STRIDE == 1u) {
    let v = vec4f(fromX(l, column, i), fromX(l, column + 1u, i),
      fromX(l, column + 2u, i), fromX(l, column + 3u, i));
    let z = vec2f(fromX(l, column + 4u, i), fromX(l, column + 5u, i));
    return mat3x4f(v, vec4f(v.yzw, z.x), vec4f(v.zw, z));
  }
  let s = params.stride;
  return transpose(mat4x3f(threeOfX(l, column, i), threeOfX(l, column + s, i),
    threeOfX(l, column + 2u * s, i), threeOfX(l, column + 3u * s, i)));
}

// Lines `first` to `until` of dy, counted through the batch, for taps run 3 to run 3 + 2.
fn accumulate(network: u32, o: u32, stripe: u32, run: u32, first: u32, until: u32) -> Accumulators {
  var s = Accumulators();
  let plane = params.outHeight * params.outWidth;
  let one = vec4f(1.0);
  for (var line = first; line < until; line++) {
    let n = line / params.outHeight;
    let oy = line % params.outHeight;
    let image = network * params.xStride + n * params.inChannels * params.inHeight * params.inWidth;
    let x0 = lineOfX(image, oy, stripe);
    let x1 = lineOfX(image, oy, stripe + 1u);
    let x2 = lineOfX(image, oy, stripe + 2u);
    let x3 = lineOfX(image, oy, stripe + 3u);
    let start = ((network * params.batch + n) * params.outChannels + o) * plane +
      oy * params.outWidth;
    for (var ox = 0u; ox < params.outWidth; ox += 4u) {
      let a = transpose(mat4x4f(fourOfDy(start, ox), fourOfDy(start + plane, ox),
        fourOfDy(start + 2u * plane, ox), fourOfDy(start + 3u * plane, ox)));
      let b = transpose(mat4x4f(fourOfDy(start + 4u * plane, ox), fourOfDy(start + 5u * plane, ox),
        fourOfDy(start + 6u * plane, ox), fourOfDy(start + 7u * plane, ox)));
      s.biasA += a * one;
      s.biasB += b * one;
      let column = ox * params.stride + run * RUN - params.padding;
      let w0 = windowsOfX(x0, column);
      s.a0 += a * w0;
      s.b0 += b * w0;
      let w1 = windowsOfX(x1, column);
      s.a1 += a * w1;
      s.b1 += b * w1;
      let w2 = windowsOfX(x2, column);
      s.a2 += a * w2;
      s.b2 += b * w2;
      let w3 = windowsOfX(x3, column);
      s.a3 += a * w3;
      s.b3 += b * w3;
    }
  }
  return s;
}

// Three taps of one stripe in four channels.
fn store(start: u32, o: u32, stripe: u32, kx: u32, sums: mat3x4f) {
  let byChannel = transpose(sums);
  for (var c = 0u; c < 4u; c++) {
    if (o + c >= params.outChannels || stripe >= stripeCount()) { return; }
    let i = start + ((o + c) * stripeCount() + stripe) * params.kernelWidth + kx;
    partials[i] = byChannel[c].x;
    if (kx + 1u < params.kernelWidth) { partials[i + 1u] = byChannel[c].y; }
    if (kx + 2u < params.kernelWidth) { partials[i + 2u] = byChannel[c].z; }
  }
}

fn storeBias(start: u32, o: u32, sums: vec4f) {
  for (var c = 0u; c < 4u; c++) {
    if (o + c < params.outChannels) { partials[start + o + c] = sums[c]; }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn partial(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let across = (stripeCount() + STRIPES - 1u) / STRIPES;
  let down = (params.outChannels + BLOCK - 1u) / BLOCK;
  let runs = (params.kernelWidth + RUN - 1u) / RUN;
  let stripe = index % across * STRIPES;
  let run = index / across % runs;
  let o = index / (across * runs) % down * BLOCK;
  let split = index / (across * runs * down);
  if (split >= params.splits) { return; }

  let lines = params.batch * params.outHeight;
  let share = (lines + params.splits - 1u) / params.splits;
  let s = accumulate(id.z, o, stripe, run, split * share, min((split + 1u) * share, lines));

  let all = dwLength();
  let start = split * (all + params.networks * params.outChannels);
  let own = start + all / params.networks * id.z;
  let kx = run * RUN;
  store(own, o, stripe, kx, s.a0);
  store(own, o, stripe + 1u, kx, s.a1);
  store(own, o, stripe + 2u, kx, s.a2);
  store(own, o, stripe + 3u, kx, s.a3);
  store(own, o + 4u, stripe, kx, s.b0);
  store(own, o + 4u, stripe + 1u, kx, s.b1);
  store(own, o + 4u, stripe + 2u, kx, s.b2);
  store(own, o + 4u, stripe + 3u, kx, s.b3);
  if (stripe == 0u && run == 0u) {
    storeBias(start + all + id.z * params.outChannels, o, s.biasA);
    storeBias(start + all + id.z * params.outChannels, o + 4u, s.biasB);
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
