// magnitude_levels: weights as signs, or as signs and zeros, times a mean magnitude of their channel.
//
//   measure   binary:  threshold = -1, scale = mean |w|                                (XNOR-Net)
//             TERNARY: threshold = 0.7 mean |w|, scale = mean of |w| where |w| > threshold  (TWN)
//   forward   y = scale sign(w) where |w| > threshold, else 0;   sign(0) = 1
//   backward  dw = dy where |w| <= 1, else 0                 (straight-through with clipping)
//
// w, y, dy, dw      [channels, inner], row-major
// scale, threshold  [channels]; a channel without a weight above the threshold gets scale 0
//
// What is not finite counts as above any threshold: the scale of its channel is not finite then, nor any
// weight of the channel.
//
// One workgroup a channel in `measure`, whose lanes meet in a fixed tree, twice where ternary; else one
// invocation per 4 vectors of 4 elements. Memory-bound.
//
// Rastegari et al. 2016, arXiv:1603.05279 (XNOR-Net); Li et al. 2016, arXiv:1605.04711 (TWN);
// the clipped gradient: Courbariaux et al. 2016, arXiv:1602.02830.

override TERNARY: u32 = 0u;
override LANES: u32 = 64u;
override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation

struct Params { channels: u32, inner: u32 }

@group(0) @binding(0) var<storage, read> w: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> scaleOut: array<f32>;
@group(0) @binding(2) var<storage, read_write> thresholdOut: array<f32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read> threshold: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(6) var<storage, read> dy: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dw: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> sums: array<vec2f, LANES>;

fn isBroken(v: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(v) & vec4u(0x7f800000u)) == vec4u(0x7f800000u);
}

// Sum and count of the magnitudes above a limit that a lane sees in a channel.
fn walk(channel: u32, lane: u32, limit: f32) -> vec2f {
  var sum = vec2f();
  let run = channel * params.inner;
  if (params.inner % 4u == 0u) {
    for (var v = run / 4u + lane; v < (run + params.inner) / 4u; v += LANES) {
      let size = abs(w[v]);
      let counts = select(vec4f(), vec4f(1.0), (size > vec4f(limit)) | isBroken(size));
      sum += vec2f(dot(size, counts), dot(counts, vec4f(1.0)));
    }
    return sum;
  }
  for (var e = run + lane; e < run + params.inner; e += LANES) {
    let size = abs(w[e / 4u][e % 4u]);
    if (size > limit || isBroken(vec4f(size)).x) { sum += vec2f(size, 1.0); }
  }
  return sum;
}

fn meetInTree(lane: u32) {
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }
}

@compute @workgroup_size(LANES)
fn measure(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
           @builtin(local_invocation_index) lane: u32) {
  // groups past the last channel measure it again and write nothing
  let asked = group.y * groups.x + group.x;
  let c = min(asked, params.channels - 1u);
  sums[lane] = walk(c, lane, -1.0);
  meetInTree(lane);
  var limit = -1.0;
  if (TERNARY == 1u) {
    limit = 0.7 * sums[0].x / f32(params.inner);
    workgroupBarrier();
    sums[lane] = walk(c, lane, limit);
    meetInTree(lane);
  }
  if (lane == 0u && asked == c) {
    scaleOut[c] = sums[0].x / max(sums[0].y, 1.0);
    thresholdOut[c] = limit;
  }
}

// The first vector of an invocation, and the one after its last.
fn vectorsOf(id: vec3u, groups: vec3u) -> vec2u {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  return vec2u(first, min(first + VECTORS, (params.channels * params.inner + 3u) / 4u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    let c = min((4u * i + vec4u(0u, 1u, 2u, 3u)) / params.inner, vec4u(params.channels - 1u));
    let value = w[i];
    let s = vec4f(scale[c.x], scale[c.y], scale[c.z], scale[c.w]);
    let limit = vec4f(threshold[c.x], threshold[c.y], threshold[c.z], threshold[c.w]);
    let level = select(vec4f(), select(-s, s, value >= vec4f()), abs(value) > limit);
    y[i] = select(select(level, s, isBroken(s)), value, isBroken(value));
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    dw[i] = select(vec4f(), dy[i], abs(w[i]) <= vec4f(1.0));
  }
}
