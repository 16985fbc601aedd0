// fake_quantize: snap every element to an integer grid, then scale it back.
//
//   q = toInteger(x * inverseScale) + zeroPoint
//   forward     y = (clamp(q, qMin, qMax) - zeroPoint) * scale
//   backward   dx = dy where qMin <= q <= qMax, else 0        (straight-through estimator)
//
// x, y, dx, dy                                  [outer, channels, inner], row-major
// scale, inverseScale, zeroPoint, qMin, qMax    [channels]; channels = 1 means per-tensor
//
// The limits are per channel too, so networks of different bit-widths share one dispatch. One
// invocation per 8 vectors of 4 elements; memory-bound (8 bytes and about 6 operations an element).
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

const ONE_CHANNEL = 0u;
const BY_VECTOR = 1u;
const BY_ELEMENT = 2u;

override ROUNDING: u32 = NEAREST_EVEN;
override CHANNELS: u32 = BY_ELEMENT;
override SHARED: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 8u; // an invocation

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

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  let last = min(first + VECTORS, (params.size + 3u) / 4u);
  for (var i = first; i < last; i++) {
    let c = channelsOf(4u * i);
    if (CHANNELS == BY_ELEMENT) {
      let zero = vec4f(zeroPoint[c.x], zeroPoint[c.y], zeroPoint[c.z], zeroPoint[c.w]);
      let inverse = vec4f(inverseScale[c.x], inverseScale[c.y], inverseScale[c.z], inverseScale[c.w]);
      let low = vec4f(qMin[c.x], qMin[c.y], qMin[c.z], qMin[c.w]);
      let high = vec4f(qMax[c.x], qMax[c.y], qMax[c.z], qMax[c.w]);
      let step = vec4f(scale[c.x], scale[c.y], scale[c.z], scale[c.w]);
      y[i] = (clamp(toInteger(valuesAt(i) * inverse) + zero, low, high) - zero) * step;
    } else {
      let zero = vec4f(zeroPoint[c.x]);
      let q = toInteger(valuesAt(i) * inverseScale[c.x]) + zero;
      y[i] = (clamp(q, vec4f(qMin[c.x]), vec4f(qMax[c.x])) - zero) * scale[c.x];
    }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  let last = min(first + VECTORS, (params.size + 3u) / 4u);
  for (var i = first; i < last; i++) {
    let c = channelsOf(4u * i);
    let zero = vec4f(zeroPoint[c.x], zeroPoint[c.y], zeroPoint[c.z], zeroPoint[c.w]);
    let inverse = vec4f(inverseScale[c.x], inverseScale[c.y], inverseScale[c.z], inverseScale[c.w]);
    let low = vec4f(qMin[c.x], qMin[c.y], qMin[c.z], qMin[c.w]);
    let high = vec4f(qMax[c.x], qMax[c.y], qMax[c.z], qMax[c.w]);
    let q = toInteger(x[i] * inverse) + zero;
    dx[i] = select(vec4f(), dy[i], (low <= q) & (q <= high));
  }
}
