// conv2d_weight_gradient, for convolutions that keep the size: whole vectors, walked flat.
//
//   partial   partials[s] = [dw, db] of the vectors of dy that belong to split s
//
//   dw[o, i, ky, kx] = sum over n, oy, ox of dy[n,o,oy,ox] x[n,i,oy + ky - padding, ox + kx - 1]
//   db[o]            = sum over n, oy, ox of dy[n,o,oy,ox]
//
// For stride 1, a kernel 3 wide, outHeight = inHeight and outWidth = inWidth, which is even and at
// least 4, and planes of a multiple of 4 elements. Tensors are those of weight_gradient.wgsl, whose
// `sum` adds the parts.
//
// A plane is walked as one line of vectors, 4 outputs at a time, however its rows begin: the row
// above is a fixed number of elements behind, in whole vectors or in half ones. Outputs at the left
// edge count as 0 for the left tap, those at the right edge for the right one.
//
// A pair (i, ky) is called a stripe. An invocation holds 8 channels o x STRIPES stripes x 3 kx: at 12
// stripes 20 vectors are loaded for 1,152 multiply-adds, as products of 4 x 4 of dy with 4 of x.
// Compute-bound on a processor.
//
// Launch: tiles next to each other along x, splits after splits, folded; z over the networks.
//
// Register blocking of direct convolution: Georganas et al. 2018, arXiv:1808.05567.

override STRIPES: u32 = 12u; // or 3
override WORKGROUP_SIZE: u32 = 8u;
const BLOCK = 8u; // channels of dy
const TAPS = 3u;

struct Params {
  networks: u32, xStride: u32, batch: u32, groups: u32,
  inChannels: u32, inHeight: u32, inWidth: u32,
  outChannels: u32, outHeight: u32, outWidth: u32,
  kernelHeight: u32, kernelWidth: u32, stride: u32, padding: u32, splits: u32
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Where a stripe reads: vectors from the start of an image to its plane, and from an output to what
// lies ky rows down, whose first element is the third of its vector if `half`.
struct Stripe { plane: u32, shift: i32, half: bool, inside: bool }

// The last number of the vector before, and a vector.
struct Carry { last: f32, now: vec4f }

// dy of 4 outputs, one a column, in 4 channels: what the left, the middle and the right tap see.
struct Outputs { left: mat4x4f, middle: mat4x4f, right: mat4x4f }

// The sums of one stripe in channels 0-3 and 4-7, one tap a column.
struct Taps { low: mat3x4f, high: mat3x4f }

struct Three { a: Taps, b: Taps, c: Taps }
struct Stripes { a: Stripe, b: Stripe, c: Stripe }
struct Carries { a: Carry, b: Carry, c: Carry }
struct Walk { sums: Three, carries: Carries }
struct Accumulators { s0: Three, s3: Three, s6: Three, s9: Three, bias: mat2x4f }

// Stripes and output channels of one group.
fn stripeCount() -> u32 { return params.inChannels / params.groups * params.kernelHeight; }
fn outShare() -> u32 { return params.outChannels / params.groups; }
fn vectors() -> u32 { return params.outHeight * params.outWidth / 4u; }

fn stripeOf(group: u32, s: u32) -> Stripe {
  let channel = group * (params.inChannels / params.groups) + s / params.kernelHeight;
  let elements = (i32(s % params.kernelHeight) - i32(params.padding)) * i32(params.inWidth);
  return Stripe(channel * vectors(), elements >> 2u, (elements & 2) != 0, s < stripeCount());
}

fn stripesOf(group: u32, s: u32) -> Stripes {
  return Stripes(stripeOf(group, s), stripeOf(group, s + 1u), stripeOf(group, s + 2u));
}

// The vector of x that is `ahead` of what the outputs `at` see.
fn vectorOfX(image: u32, s: Stripe, at: u32, ahead: i32) -> vec4f {
  let i = u32(i32(at) + s.shift + ahead);
  let here = s.inside && i < vectors();
  return select(vec4f(), x[select(0u, image + s.plane + i, here)], here);
}

fn carryOf(image: u32, s: Stripe, at: u32) -> Carry {
  return Carry(vectorOfX(image, s, at, -1).w, vectorOfX(image, s, at, 0));
}

fn carriesOf(image: u32, s: Stripes, at: u32) -> Carries {
  return Carries(carryOf(image, s.a, at), carryOf(image, s.b, at), carryOf(image, s.c, at));
}

// Four neighboring outputs in four channels from `plane` on, the first of them in `column`.
fn outputs(plane: u32, at: u32, column: u32) -> Outputs {
  let step = vectors();
  let m = transpose(mat4x4f(dy[plane + at], dy[plane + step + at], dy[plane + 2u * step + at],
    dy[plane + 3u * step + at]));
  let width = params.outWidth;
  let z = vec4f();
  let last = width - 1u;
  return Outputs(
    mat4x4f(select(m[0], z, column == 0u), select(m[1], z, column + 1u == width),
      select(m[2], z, column + 2u == width), select(m[3], z, column + 3u == width)),
    m,
    mat4x4f(select(m[0], z, column == last), select(m[1], z, column + 1u == last),
      select(m[2], z, column + 2u == last), select(m[3], z, column + 3u == last)));
}

fn taps(m: mat3x4f, o: Outputs, left: vec4f, middle: vec4f, right: vec4f) -> mat3x4f {
  return mat3x4f(m[0] + o.left * left, m[1] + o.middle * middle, m[2] + o.right * right);
}

fn add(t: Taps, low: Outputs, high: Outputs, c: Carry, next: vec4f, half: bool) -> Taps {
  let left = select(vec4f(c.last, c.now.xyz), vec4f(c.now.yzw, next.x), half);
  let middle = select(c.now, vec4f(c.now.zw, next.xy), half);
  let right = select(vec4f(c.now.yzw, next.x), vec4f(c.now.w, next.xyz), half);
  return Taps(taps(t.low, low, left, middle, right), taps(t.high, high, left, middle, right));
}

fn step(w: Walk, low: Outputs, high: Outputs, image: u32, s: Stripes, at: u32) -> Walk {
  let a = vectorOfX(image, s.a, at, 1);
  let b = vectorOfX(image, s.b, at, 1);
  let c = vectorOfX(image, s.c, at, 1);
  return Walk(
    Three(add(w.sums.a, low, high, w.carries.a, a, s.a.half),
      add(w.sums.b, low, high, w.carries.b, b, s.b.half),
      add(w.sums.c, low, high, w.carries.c, c, s.c.half)),
    Carries(Carry(w.carries.a.now.w, a), Carry(w.carries.b.now.w, b), Carry(w.carries.c.now.w, c)));
}

// Vectors `first` to `until` of dy, counted through the batch, in channels from o on.
fn accumulate(network: u32, group: u32, o: u32, stripe: u32, first: u32, until: u32) -> Accumulators {
  var w0 = Walk();
  var w3 = Walk();
  var w6 = Walk();
  var w9 = Walk();
  var bias = mat2x4f();
  let each = vectors();
  let s0 = stripesOf(group, stripe);
  let s3 = stripesOf(group, stripe + 3u);
  let s6 = stripesOf(group, stripe + 6u);
  let s9 = stripesOf(group, stripe + 9u);
  var position = first;
  while (position < until) {
    let n = position / each;
    let image = (network * params.xStride) / 4u + n * params.inChannels * each;
    let start = ((network * params.batch + n) * params.outChannels + o) * each;
    let begin = position - n * each;
    let end = min(each, begin + until - position);
    w0.carries = carriesOf(image, s0, begin);
    if (STRIPES == 12u) {
      w3.carries = carriesOf(image, s3, begin);
      w6.carries = carriesOf(image, s6, begin);
      w9.carries = carriesOf(image, s9, begin);
    }
    var column = begin * 4u % params.outWidth;
    for (var at = begin; at < end; at++) {
      let low = outputs(start, at, column);
      let high = outputs(start + 4u * each, at, column);
      bias += mat2x4f(low.middle * vec4f(1.0), high.middle * vec4f(1.0));
      w0 = step(w0, low, high, image, s0, at);
      if (STRIPES == 12u) {
        w3 = step(w3, low, high, image, s3, at);
        w6 = step(w6, low, high, image, s6, at);
        w9 = step(w9, low, high, image, s9, at);
      }
      column = select(column + 4u, column + 4u - params.outWidth, column + 4u >= params.outWidth);
    }
    position += end - begin;
  }
  return Accumulators(w0.sums, w3.sums, w6.sums, w9.sums, bias);
}

// Where the parts of a split start, and which channels of a group up to `end` an invocation has.
struct Target { start: u32, channel: u32, end: u32 }

// Nothing here is a loop: an index that varies would move the sums from registers to memory.
fn store(t: Target, four: u32, stripe: u32, m: mat3x4f) {
  if (stripe >= stripeCount()) { return; }
  let byChannel = transpose(m);
  storeTaps(t, four, stripe, byChannel[0]);
  storeTaps(t, four + 1u, stripe, byChannel[1]);
  storeTaps(t, four + 2u, stripe, byChannel[2]);
  storeTaps(t, four + 3u, stripe, byChannel[3]);
}

fn storeTaps(t: Target, c: u32, stripe: u32, taps: vec3f) {
  if (t.channel + c >= t.end) { return; }
  let i = t.start + ((t.channel + c) * stripeCount() + stripe) * TAPS;
  partials[i] = taps.x;
  partials[i + 1u] = taps.y;
  partials[i + 2u] = taps.z;
}

fn storeBias(start: u32, t: Target, four: u32, sums: vec4f) {
  let c = t.channel + four;
  if (c < t.end) { partials[start + c] = sums.x; }
  if (c + 1u < t.end) { partials[start + c + 1u] = sums.y; }
  if (c + 2u < t.end) { partials[start + c + 2u] = sums.z; }
  if (c + 3u < t.end) { partials[start + c + 3u] = sums.w; }
}

fn storeThree(t: Target, stripe: u32, s: Three) {
  store(t, 0u, stripe, s.a.low);
  store(t, 4u, stripe, s.a.high);
  store(t, 0u, stripe + 1u, s.b.low);
  store(t, 4u, stripe + 1u, s.b.high);
  store(t, 0u, stripe + 2u, s.c.low);
  store(t, 4u, stripe + 2u, s.c.high);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn partial(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let across = (stripeCount() + STRIPES - 1u) / STRIPES;
  let down = (outShare() + BLOCK - 1u) / BLOCK;
  let stripe = index % across * STRIPES;
  let block = index / across % (down * params.groups);
  let group = block / down;
  let split = index / (across * down * params.groups);
  if (split >= params.splits) { return; }

  let all = params.batch * vectors();
  let share = (all + params.splits - 1u) / params.splits;
  let o = group * outShare() + block % down * BLOCK;
  let s = accumulate(id.z, group, o, stripe, split * share, min((split + 1u) * share, all));

  let weights = params.outChannels * stripeCount() * TAPS;
  let start = split * params.networks * (weights + params.outChannels);
  let bias = start + params.networks * weights + id.z * params.outChannels;
  let t = Target(start + id.z * weights, o, (group + 1u) * outShare());
  storeThree(t, stripe, s.s0);
  if (STRIPES == 12u) {
    storeThree(t, stripe + 3u, s.s3);
    storeThree(t, stripe + 6u, s.s6);
    storeThree(t, stripe + 9u, s.s9);
  }
  if (stripe > 0u) { return; }
  storeBias(bias, t, 0u, s.bias[0]);
  storeBias(bias, t, 4u, s.bias[1]);
}
