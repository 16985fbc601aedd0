// codebook_quantize: replace every element by the nearest of its channel's listed levels.
//
//   code = number of the channel's thresholds that are not above x
//   forward     y = levels[channel, code]
//   backward   dx = dy where levels[channel, 0] <= x <= levels[channel, slots - 1], else 0
//                                                             (straight-through estimator)
//
// NaN stays NaN, though no threshold is below it.
//
// x, y, dx, dy   [outer, channels, inner], row-major
// levels         [channels, slots], ascending; slots is a power of two, shorter lists repeat their last
// thresholds     [channels, slots], ascending: the middles of neighboring levels, then the greatest
//                float32; the last of a row is not looked at
//
// Thresholds come from the host, so every adapter gives the same codes: a middle that is computed here
// could be rounded otherwise.
//
// One invocation per 4 vectors of 4 elements, each by a binary search of log2(slots) steps without
// branches; bound by its loads: log2(slots) thresholds and a level beside 8 bytes an element.
//
// Lloyd 1982, doi:10.1109/TIT.1982.1056489; backward: Bengio et al. 2013, arXiv:1308.3432.

override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation
const LANES = vec4u(0u, 1u, 2u, 3u);

struct Params { size: u32, channels: u32, inner: u32, slots: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> levels: array<f32>;
@group(0) @binding(2) var<storage, read> thresholds: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<storage, read> dy: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dx: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

// The first slot of the channels of the four elements of vector i.
fn rowsOf(i: u32) -> vec4u {
  return (4u * i + LANES) / params.inner % params.channels * params.slots;
}

// The first vector of an invocation, and the one after its last.
fn vectorsOf(id: vec3u, groups: vec3u) -> vec2u {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  return vec2u(first, min(first + VECTORS, (params.size + 3u) / 4u));
}

fn keepNaN(value: vec4f, result: vec4f) -> vec4f {
  let isNaN = (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return select(result, value, isNaN);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    let value = x[i];
    var at = rowsOf(i);
    for (var half = params.slots / 2u; half > 0u; half /= 2u) {
      let middle = at + half - 1u;
      let threshold = vec4f(thresholds[middle.x], thresholds[middle.y], thresholds[middle.z],
        thresholds[middle.w]);
      at += select(vec4u(), vec4u(half), value >= threshold);
    }
    let level = vec4f(levels[at.x], levels[at.y], levels[at.z], levels[at.w]);
    y[i] = keepNaN(value, level);
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    let first = rowsOf(i);
    let last = first + params.slots - 1u;
    let low = vec4f(levels[first.x], levels[first.y], levels[first.z], levels[first.w]);
    let high = vec4f(levels[last.x], levels[last.y], levels[last.z], levels[last.w]);
    dx[i] = select(vec4f(), dy[i], (low <= x[i]) & (x[i] <= high));
  }
}
