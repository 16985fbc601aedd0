// dorefa: weights squashed by tanh and rounded to 2^bits equally spaced levels from -m to m, 0 not
// among them.
//
//   forward   t = tanh(w), m = tanh(largest |w| of the channel), n = 2^bits - 1
//             q = clamp(round(n (t / (2 m) + 1/2)), 0, n),  y = m (2 q / n - 1)
//   backward  dw = dy (1 - t^2)          (the rounding is straight-through, and then y is t)
//
// w, y, dy, dw   [channels, inner], row-major; range [channels] of (min, max) of w
//
// The paper leaves the factor m out, as a batch norm follows it there; here it keeps a network without
// norms in proportion. tanh may differ from adapter to adapter, and so may a level beside a boundary.
// What is not finite stays so, and a range with a NaN in it makes NaN of its channel.
//
// One invocation per 4 vectors of 4 elements; compute-bound by tanh on processors.
//
// Zhou et al. 2016, arXiv:1606.06160, equation 9.

override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation

struct Params { channels: u32, inner: u32, bits: u32 }

@group(0) @binding(0) var<storage, read> w: array<vec4f>;
@group(0) @binding(1) var<storage, read> range: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dw: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

// The first vector of an invocation, and the one after its last.
fn vectorsOf(id: vec3u, groups: vec3u) -> vec2u {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  return vec2u(first, min(first + VECTORS, (params.channels * params.inner + 3u) / 4u));
}

fn isBroken(v: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(v) & vec4u(0x7f800000u)) == vec4u(0x7f800000u);
}

fn isNaN(v: f32) -> bool { return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u; }

fn largestIn(channel: u32) -> f32 {
  let r = range[min(channel, params.channels - 1u)];
  let largest = max(tanh(max(-r.x, r.y)), exp2(-60.0));
  // max would turn NaN into the least m
  return select(largest, r.x + r.y, isNaN(r.x) || isNaN(r.y));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  let n = f32((1u << params.bits) - 1u);
  for (var i = span.x; i < span.y; i++) {
    let c = (4u * i + vec4u(0u, 1u, 2u, 3u)) / params.inner;
    var m = vec4f(largestIn(c.x));
    if (c.w != c.x) { m = vec4f(m.x, largestIn(c.y), largestIn(c.z), largestIn(c.w)); }
    let value = w[i];
    let q = clamp(round(n * (tanh(value) / (2.0 * m) + 0.5)), vec4f(), vec4f(n));
    y[i] = select(m * (2.0 * q / n - 1.0), value, isBroken(value));
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    let t = tanh(w[i]);
    dw[i] = dy[i] * (1.0 - t * t);
  }
}
