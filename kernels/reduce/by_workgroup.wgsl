// reduce, by workgroup: 256 invocations share an axis and meet in a tree.
//
//   sum       y[o, p, i] = scale * sum of x[o, k, i] over k = p, p + parts, p + 2 parts, ...
//   minimum, maximum     likewise, without scale; NaN if one of them is, which min and max may lose
//   argmax    indices[o, i] = the first k at which x[o, k, i] is largest (parts must be 1)
//
// A mean is a sum with scale = 1 / axis.
//
// x [outer, axis, inner], y [outer, parts, inner], indices [outer, inner]. The tree is fixed, so the
// same input gives the same bits; no float atomics.
//
// One workgroup per element of y; memory-bound. For GPUs; see by_lane for processors.
//
// Harris 2007, Optimizing Parallel Reduction in CUDA.

override LANES: u32 = 256u;

struct Params { outer: u32, axis: u32, inner: u32, parts: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> values: array<f32, LANES>;
var<workgroup> places: array<u32, LANES>;

// Where a workgroup reads: its first element and the distance to the next, in `count` steps.
struct Walk { output: u32, first: u32, step: u32, count: u32, inside: bool }

fn walkOf(group: vec3u, groups: vec3u) -> Walk {
  let i = group.y * groups.x + group.x;
  let along = i % params.inner;
  let part = (i / params.inner) % params.parts;
  let outer = i / params.inner / params.parts;
  let first = (outer * params.axis + part) * params.inner + along;
  let count = (params.axis - part + params.parts - 1u) / params.parts;
  return Walk(i, first, params.parts * params.inner, count, outer < params.outer);
}

fn isNaN(v: f32) -> bool { return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u; }

// What is chosen of a and b, but NaN if either is.
fn orNaN(chosen: f32, a: f32, b: f32) -> f32 {
  return select(select(chosen, b, isNaN(b)), a, isNaN(a));
}

@compute @workgroup_size(LANES)
fn sum(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
       @builtin(local_invocation_index) lane: u32) {
  let walk = walkOf(group, groups);
  var total = 0.0;
  for (var k = lane; k < walk.count; k += LANES) { total += x[walk.first + k * walk.step]; }
  values[lane] = total;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { values[lane] += values[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u && walk.inside) { y[walk.output] = params.scale * values[0]; }
}

@compute @workgroup_size(LANES)
fn minimum(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
           @builtin(local_invocation_index) lane: u32) {
  let walk = walkOf(group, groups);
  var best = x[walk.first];
  for (var k = lane; k < walk.count; k += LANES) {
    let value = x[walk.first + k * walk.step];
    best = orNaN(min(best, value), best, value);
  }
  values[lane] = best;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      let other = values[lane + half];
      values[lane] = orNaN(min(values[lane], other), values[lane], other);
    }
    workgroupBarrier();
  }
  if (lane == 0u && walk.inside) { y[walk.output] = values[0]; }
}

@compute @workgroup_size(LANES)
fn maximum(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
           @builtin(local_invocation_index) lane: u32) {
  let walk = walkOf(group, groups);
  var best = x[walk.first];
  for (var k = lane; k < walk.count; k += LANES) {
    let value = x[walk.first + k * walk.step];
    best = orNaN(max(best, value), best, value);
  }
  values[lane] = best;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      let other = values[lane + half];
      values[lane] = orNaN(max(values[lane], other), values[lane], other);
    }
    workgroupBarrier();
  }
  if (lane == 0u && walk.inside) { y[walk.output] = values[0]; }
}

@compute @workgroup_size(LANES)
fn argmax(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
          @builtin(local_invocation_index) lane: u32) {
  let walk = walkOf(group, groups);
  var best = x[walk.first];
  var found = 0u;
  for (var k = lane; k < walk.count; k += LANES) {
    let value = x[walk.first + k * walk.step];
    if (value > best) {
      best = value;
      found = k;
    }
  }
  values[lane] = best;
  places[lane] = found;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      let other = values[lane + half];
      let isFirst = other == values[lane] && places[lane + half] < places[lane];
      if (other > values[lane] || isFirst) {
        values[lane] = other;
        places[lane] = places[lane + half];
      }
    }
    workgroupBarrier();
  }
  if (lane == 0u && walk.inside) { indices[walk.output] = places[0]; }
}
