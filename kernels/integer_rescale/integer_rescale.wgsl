// integer_rescale: between real numbers, integer codes and int32 accumulators.
//
//   quantize           q = clamp(round(x * inverseScale) + zeroPoint, qMin, qMax)
//   byFloat            q = clamp(round(toFloat(a) * multiplier) + zeroPoint, qMin, qMax)
//   byFixedPoint       q = clamp(rescale(a, mantissa, shift) + zeroPoint, qMin, qMax)
//   addByFloat         sum = a + round(toFloat(b) * multiplier)
//   addByFixedPoint    sum = a + rescale(b, mantissa, shift)
//   dequantize         y = toFloat(a) * scale
//
// where a stands for (q_x - z_x)(q_w - z_w) summed, in units of s_x s_w, multiplier is
// float32(s_x s_w / s_y), and mantissa * 2^(shift - 31) the same number with 31 bits; b for q_s - z_s, which
// are added in units of a, so that there the two stand for s_s / (s_x s_w):
//
//   rescale(a, M, s) = shiftRight(highMultiply(shiftLeft(a, max(s, 0)), M), max(-s, 0))
//   highMultiply(a, M) = floor((a M + 2^30) / 2^31)             a tie goes up
//   shiftRight(a, n) = a / 2^n to the nearest, a tie goes away from 0
//   shiftLeft(a, n) = a 2^n, or the int32 nearest to it
//
// x                               [networks or 1, rows, inner]: `quantize` sees channels = 1
// a, b, q, sum                    [networks, rows, channels, inner]
// multiplier, mantissa, shift, scale          [networks, channels]
// inverseScale, zeroPoint, qMin, qMax         [networks]
//
// Sums wrap; whoever launches it sees to it that they fit an int32. A ReLU is a qMin that is at least the zero point. Float rounding is to the nearest, ties to even.
// WGSL does not say which neighbor f32(i32) gives beyond 2^24, and has no integers of 64 bits:
// toFloat rounds to even itself, and the product of 62 bits is built from halves of 16.
// One invocation an element, a line folded past 65,535 workgroups; memory-bound.
//
// Jacob et al. 2018, arXiv:1712.05877, section 2.2; gemmlowp, fixedpoint.h; TensorFlow Lite,
// MultiplyByQuantizedMultiplier (with double rounding).

override WORKGROUP_SIZE: u32 = 64u;

struct Params { networks: u32, xSize: u32, rows: u32, channels: u32, inner: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> a: array<i32>;
@group(0) @binding(2) var<storage, read_write> q: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> inverseScale: array<f32>;
@group(0) @binding(5) var<storage, read> multiplier: array<f32>;
@group(0) @binding(6) var<storage, read> mantissa: array<i32>;
@group(0) @binding(7) var<storage, read> shift: array<i32>;
@group(0) @binding(8) var<storage, read> scale: array<f32>;
@group(0) @binding(9) var<storage, read> zeroPoint: array<i32>;
@group(0) @binding(10) var<storage, read> qMin: array<i32>;
@group(0) @binding(11) var<storage, read> qMax: array<i32>;
@group(0) @binding(12) var<storage, read> b: array<i32>;
@group(0) @binding(13) var<storage, read_write> sum: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

fn elementAt(id: vec3u, groups: vec3u) -> u32 {
  return id.y * groups.x * WORKGROUP_SIZE + id.x;
}

fn size() -> u32 {
  return params.networks * params.rows * params.channels * params.inner;
}

fn networkOf(i: u32) -> u32 {
  return i / (params.rows * params.channels * params.inner);
}

fn channelOf(i: u32) -> u32 {
  return networkOf(i) * params.channels + i / params.inner % params.channels;
}

// |value|; that of -2^31 is 2^31, which u32 has room for.
fn magnitudeOf(value: i32) -> u32 {
  return u32(select(value, -value, value < 0));
}

fn withSign(magnitude: u32, value: i32) -> i32 {
  return select(i32(magnitude), -i32(magnitude), value < 0);
}

// The float32 nearest to an integer, ties to even.
fn toFloat(value: i32) -> f32 {
  let magnitude = magnitudeOf(value);
  let cut = 8u - min(countLeadingZeros(magnitude), 8u); // bits beyond the 24 of a float32
  let kept = magnitude >> cut;
  let rest = 2u * (magnitude - (kept << cut)); // against half of 2^cut, which is 1 where cut = 0
  let up = rest > (1u << cut) || (rest == (1u << cut) && (kept & 1u) == 1u);
  let rounded = f32(kept + select(0u, 1u, up)) * f32(1u << cut);
  return select(rounded, -rounded, value < 0);
}

// floor((value * mantissa + 2^30) / 2^31) for a mantissa from 0 to 2^31 - 1.
fn highMultiply(value: i32, mantissa: i32) -> i32 {
  let m = magnitudeOf(value);
  let n = u32(mantissa);
  let low = (m & 0xffffu) * (n & 0xffffu);
  let left = (m >> 16u) * (n & 0xffffu);
  let right = (m & 0xffffu) * (n >> 16u);
  let middle = (low >> 16u) + (left & 0xffffu) + (right & 0xffffu);
  let least = (middle << 16u) | (low & 0xffffu);
  let most = (m >> 16u) * (n >> 16u) + (left >> 16u) + (right >> 16u) + (middle >> 16u);
  // of a negative product the magnitude's tie goes down, which is up
  let nudged = least + (1u << 30u) - select(0u, 1u, value < 0);
  let carry = select(0u, 1u, nudged < least);
  return withSign(((most + carry) << 1u) | (nudged >> 31u), value);
}

fn shiftLeft(value: i32, n: u32) -> i32 {
  let limit = 0x7fffffff >> n;
  if (value > limit) { return 0x7fffffff; }
  if (value < -limit - 1) { return -0x7fffffff - 1; }
  return value << n;
}

// value / 2^n to the nearest, ties away from 0.
fn shiftRight(value: i32, n: u32) -> i32 {
  let m = magnitudeOf(value);
  return withSign((m >> n) + select(0u, (m >> (max(n, 1u) - 1u)) & 1u, n > 0u), value);
}

fn rescaled(value: i32, channel: u32) -> i32 {
  let s = shift[channel];
  let scaled = highMultiply(shiftLeft(value, u32(max(s, 0))), mantissa[channel]);
  return shiftRight(scaled, u32(max(-s, 0)));
}

fn onGrid(centered: i32, network: u32) -> i32 {
  let zero = zeroPoint[network];
  return clamp(centered, qMin[network] - zero, qMax[network] - zero) + zero;
}

// A real number of steps: clamped before it becomes an integer, which it may be too large for.
fn roundToGrid(steps: f32, network: u32) -> i32 {
  let zero = zeroPoint[network];
  return i32(clamp(round(steps), f32(qMin[network] - zero), f32(qMax[network] - zero))) + zero;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn quantize(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = elementAt(id, groups);
  if (i >= size()) { return; }
  let network = networkOf(i);
  q[i] = roundToGrid(x[i % params.xSize] * inverseScale[network], network);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn byFloat(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = elementAt(id, groups);
  if (i >= size()) { return; }
  q[i] = roundToGrid(toFloat(a[i]) * multiplier[channelOf(i)], networkOf(i));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn byFixedPoint(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = elementAt(id, groups);
  if (i >= size()) { return; }
  q[i] = onGrid(rescaled(a[i], channelOf(i)), networkOf(i));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn addByFloat(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = elementAt(id, groups);
  if (i >= size()) { return; }
  sum[i] = a[i] + i32(round(toFloat(b[i]) * multiplier[channelOf(i)]));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn addByFixedPoint(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = elementAt(id, groups);
  if (i >= size()) { return; }
  sum[i] = a[i] + rescaled(b[i], channelOf(i));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn dequantize(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = elementAt(id, groups);
  if (i >= size()) { return; }
  y[i] = toFloat(a[i]) * scale[channelOf(i)];
}
