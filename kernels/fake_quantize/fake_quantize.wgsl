// fake_quantize: snap every element to an integer grid, then scale it back.
//
//   q = toInteger(x * inverseScale) + zeroPoint
//   forward     y = (clamp(q, qMin, qMax) - zeroPoint) * scale
//   backward   dx = dy where qMin <= q <= qMax, else 0        (straight-through estimator)
//
// NaN stays NaN, though clamp may lose it, and a grid of NaN makes NaN of everything.
//
// x, y, dx, dy                                  [outer, channels, inner], row-major
// scale, inverseScale, zeroPoint, qMin, qMax    [channels]; channels = 1 means per-tensor
//
// The limits are per channel too, so networks of different bit-widths share one dispatch. One
// invocation per 4 vectors of 4 elements; memory-bound (8 bytes and about 6 operations an element).
// CHANNELS says how often the channel changes: never, between vectors, or between elements.
//
// With SHARED = 1, x holds xSize elements and begins anew after them: networks that quantize one
// input, each in its own way, need no copies of it.
//
// Why `x * inverseScale` and not `x / scale`: WGSL rounds `*` correctly but lets `/` be off by
// 2.5 ULP, which beside a rounding boundary is a whole step. With `*` every adapter returns the
// same integers, so the test compares them bit for bit.
//
// Jacob et al. 2018, arXiv:1712.05877; backward: Bengio et al. 2013, arXiv:1308.3432.

const NEAREST_EVEN = 0u;
const TOWARD_ZERO = 1u; // truncation; "octization" is this with scale = 1 / (2^bits - 1)
const DOWN = 2u;
const DEAD_ZONE = 3u; // as wide a band of zeros as truncation, but nothing else is biased

const ONE_CHANNEL = 0u;
const BY_VECTOR = 1u;
const BY_ELEMENT = 2u;

override ROUNDING: u32 = NEAREST_EVEN;
override CHANNELS: u32 = BY_ELEMENT;
override SHARED: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation

struct Params { size: u32, channels: u32, inner: u32, xSize: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read> inverseScale: array<f32>;
@group(0) @binding(3) var<storage, read> zeroPoint: array<f32>;
@group(0) @binding(4) var<storage, read> qMin: array<f32>;
@group(0) @binding(5) var<storage, read> qMax: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(7) var<storage, read> dy: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> dx: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn toInteger(v: vec4f) -> vec4f {
  switch ROUNDING {
    case TOWARD_ZERO: { return trunc(v); }
    case DOWN: { return floor(v); }
    case DEAD_ZONE: { return select(round(v), vec4f(), abs(v) < vec4f(1.0)); }
    default: { return round(v); }
  }
}

// The channel of each of the four elements that start at `element`.
fn channelsOf(element: u32) -> vec4u {
  switch CHANNELS {
    case ONE_CHANNEL: { return vec4u(); }
    case BY_VECTOR: { return vec4u((element / params.inner) % params.channels); }
    default: { return ((element + vec4u(0u, 1u, 2u, 3u)) / params.inner) % params.channels; }
  }
}

// Four elements of x, which begins anew every xSize elements.
fn valuesAt(i: u32) -> vec4f {
  if (SHARED == 0u) { return x[i]; }
  if (params.xSize % 4u == 0u) { return x[i % (params.xSize / 4u)]; }
  let e = (4u * i + vec4u(0u, 1u, 2u, 3u)) % params.xSize;
  return vec4f(x[e.x / 4u][e.x % 4u], x[e.y / 4u][e.y % 4u], x[e.z / 4u][e.z % 4u],
    x[e.w / 4u][e.w % 4u]);
}

// The integer grid of four elements, less its scale, which the backward pass does not need.
struct Grid { inverse: vec4f, zero: vec4f, low: vec4f, high: vec4f }

fn gridOf(c: vec4u) -> Grid {
  if (CHANNELS == BY_ELEMENT) {
    return Grid(
      vec4f(inverseScale[c.x], inverseScale[c.y], inverseScale[c.z], inverseScale[c.w]),
      vec4f(zeroPoint[c.x], zeroPoint[c.y], zeroPoint[c.z], zeroPoint[c.w]),
      vec4f(qMin[c.x], qMin[c.y], qMin[c.z], qMin[c.w]),
      vec4f(qMax[c.x], qMax[c.y], qMax[c.z], qMax[c.w]));
  }
  return Grid(vec4f(inverseScale[c.x]), vec4f(zeroPoint[c.x]), vec4f(qMin[c.x]),
    vec4f(qMax[c.x]));
}

fn scaleOf(c: vec4u) -> vec4f {
  if (CHANNELS == BY_ELEMENT) {
    return vec4f(scale[c.x], scale[c.y], scale[c.z], scale[c.w]);
  }
  return vec4f(scale[c.x]);
}

fn keepNaN(value: vec4f, result: vec4f) -> vec4f {
  let isNaN = (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return select(result, value, isNaN);
}

fn snap(i: u32, g: Grid, step: vec4f) {
  let value = valuesAt(i);
  let q = toInteger(value * g.inverse) + g.zero;
  y[i] = keepNaN(value, (clamp(q, g.low, g.high) - g.zero) * step);
}

fn letThrough(i: u32, g: Grid) {
  let q = toInteger(x[i] * g.inverse) + g.zero;
  dx[i] = select(vec4f(), dy[i], (g.low <= q) & (q <= g.high));
}

// The first vector of an invocation, and the one after the last of all.
fn vectorsOf(id: vec3u, groups: vec3u) -> vec2u {
  return vec2u((id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS, (params.size + 3u) / 4u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  let i = span.x;
  // One channel: its grid is read before any branch, where lavapipe reads once for all lanes, and the
  // vectors are spelled out, since a loop costs a processor as much as a load.
  if (CHANNELS == ONE_CHANNEL) {
    let g = gridOf(vec4u());
    let step = scaleOf(vec4u());
    if (i + VECTORS <= span.y) {
      snap(i, g, step);
      snap(i + 1u, g, step);
      snap(i + 2u, g, step);
      snap(i + 3u, g, step);
      return;
    }
  }
  for (var v = i; v < min(i + VECTORS, span.y); v++) {
    let c = channelsOf(4u * v);
    snap(v, gridOf(c), scaleOf(c));
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var v = span.x; v < min(span.x + VECTORS, span.y); v++) {
    letThrough(v, gridOf(channelsOf(4u * v)));
  }
}
