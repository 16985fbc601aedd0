// soft_round: weights between the two levels of their grid, and the penalty that drives them to one.
//
//   rounding   h = clamp(sigmoid(v) (ZETA - GAMMA) + GAMMA, 0, 1)                 (a rectified sigmoid)
//   forward    w = factor (low + h (high - low))
//   backward   dv = dw factor (high - low) h',  h' = (ZETA - GAMMA) s (1 - s) where 0 < h < 1, else 0
//   factorGradient   dFactor = sum over its weights of dw w / factor
//   penalty    r = weight (1 - |2 h - 1|^beta),  (weight, beta) = schedule[clock]
//   penaltyGradient  dvOfPenalty = -dr weight beta |2 h - 1|^(beta - 1) sign(2 h - 1) 2 h'
//
// low and high are the levels of any grid beside the weight, so that an affine grid, where they are
// s floor(w / s) and s (floor(w / s) + 1) clamped to its ends, and a codebook are the same kernel. The
// factor scales all levels of a group at once: it is how scales learn. Below LEAST_FACTOR it counts as that,
// with no gradient: a grid whose levels would rather have the other sign ends near 0.
//
// v, low, high, w, dw, dv, r, dr, dvOfPenalty   [channels, inner], row-major
// factor, dFactor                               [channels], a channel being a group of weights with one grid
// clock [1], schedule [steps] of (weight, beta); past its end the last row holds
//
// NaN stays NaN, though clamp may lose it. CHANNELS says how often the channel changes: never, between
// vectors, or between elements. One invocation per 4 vectors of 4 elements, memory-bound; factorGradient
// is one workgroup a channel and a fixed tree.
//
// Nagel et al. 2020, arXiv:2004.10568 (AdaRound), equations 22 to 24; rectified sigmoid: Louizos et al.
// 2018, arXiv:1712.01312.

const ONE_CHANNEL = 0u;
const BY_VECTOR = 1u;
const BY_ELEMENT = 2u;

const ZETA = 1.1;
const GAMMA = -0.1;
const LEAST_FACTOR = 0x1p-10f;

override CHANNELS: u32 = BY_ELEMENT;
override WORKGROUP_SIZE: u32 = 64u;
override LANES: u32 = 64u;
const VECTORS = 4u; // an invocation

struct Params { size: u32, channels: u32, inner: u32, steps: u32 }

@group(0) @binding(0) var<storage, read> v: array<vec4f>;
@group(0) @binding(1) var<storage, read> low: array<vec4f>;
@group(0) @binding(2) var<storage, read> high: array<vec4f>;
@group(0) @binding(3) var<storage, read> factor: array<f32>;
@group(0) @binding(4) var<storage, read_write> w: array<vec4f>;
@group(0) @binding(5) var<storage, read> dw: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dv: array<vec4f>;
@group(0) @binding(7) var<storage, read> weights: array<f32>;
@group(0) @binding(8) var<storage, read> dWeights: array<f32>;
@group(0) @binding(9) var<storage, read_write> dFactor: array<f32>;
@group(0) @binding(10) var<storage, read> clock: array<u32>;
@group(0) @binding(11) var<storage, read> schedule: array<vec2f>;
@group(0) @binding(12) var<storage, read_write> r: array<vec4f>;
@group(0) @binding(13) var<storage, read> dr: array<vec4f>;
@group(0) @binding(14) var<storage, read_write> dvOfPenalty: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> sums: array<f32, LANES>;

struct Rounding { h: vec4f, slope: vec4f }

fn roundingOf(x: vec4f) -> Rounding {
  let s = 1.0 / (1.0 + exp(-x));
  let stretched = s * (ZETA - GAMMA) + GAMMA;
  let inside = (stretched > vec4f()) & (stretched < vec4f(1.0));
  let isNaN = (bitcast<vec4u>(x) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return Rounding(
    select(clamp(stretched, vec4f(), vec4f(1.0)), x, isNaN),
    select(vec4f(), (ZETA - GAMMA) * s * (1.0 - s), inside));
}

// A factor as it counts; NaN stays NaN.
fn factorOf(channel: u32) -> f32 {
  let learned = factor[channel];
  return select(learned, LEAST_FACTOR, learned < LEAST_FACTOR);
}

// The factors of vector i.
fn factorsOf(i: u32) -> vec4f {
  switch CHANNELS {
    case ONE_CHANNEL: { return vec4f(factorOf(0u)); }
    case BY_VECTOR: { return vec4f(factorOf(4u * i / params.inner)); }
    default: {
      let c = min((4u * i + vec4u(0u, 1u, 2u, 3u)) / params.inner, vec4u(params.channels - 1u));
      return vec4f(factorOf(c.x), factorOf(c.y), factorOf(c.z), factorOf(c.w));
    }
  }
}

// The first vector of an invocation, and the one after its last.
fn vectorsOf(id: vec3u, groups: vec3u) -> vec2u {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  return vec2u(first, min(first + VECTORS, (params.size + 3u) / 4u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    let below = low[i];
    w[i] = factorsOf(i) * (below + roundingOf(v[i]).h * (high[i] - below));
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    dv[i] = dw[i] * factorsOf(i) * (high[i] - low[i]) * roundingOf(v[i]).slope;
  }
}

@compute @workgroup_size(LANES)
fn factorGradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let channel = group.y * groups.x + group.x;
  let first = channel * params.inner;
  var sum = 0.0;
  if (channel < params.channels) {
    for (var i = first + lane; i < first + params.inner; i += LANES) {
      sum += dWeights[i] * weights[i];
    }
  }
  sums[lane] = sum;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u && channel < params.channels) {
    dFactor[channel] = select(sums[0] / factor[channel], 0.0, factor[channel] < LEAST_FACTOR);
  }
}

// |x|^exponent; 0 to a power above 0 without a logarithm of 0.
fn powerOf(x: vec4f, exponent: f32) -> vec4f {
  return select(pow(abs(x), vec4f(exponent)), vec4f(), x == vec4f());
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn penalty(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = schedule[min(clock[0], params.steps - 1u)];
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    r[i] = row.x * (1.0 - powerOf(2.0 * roundingOf(v[i]).h - 1.0, row.y));
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn penaltyGradient(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let row = schedule[min(clock[0], params.steps - 1u)];
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    let rounding = roundingOf(v[i]);
    let u = 2.0 * rounding.h - 1.0;
    dvOfPenalty[i] = -2.0 * row.x * row.y * powerOf(u, row.y - 1.0) * sign(u) * rounding.slope * dr[i];
  }
}
