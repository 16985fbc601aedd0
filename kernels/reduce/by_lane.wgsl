// reduce, by lane: one invocation walks an axis from end to end.
//
//   sum       y[o, p, i] = scale * sum of x[o, k, i] over k = p, p + parts, p + 2 parts, ...
//   minimum, maximum     likewise, without scale; NaN if one of them is, which min and max may lose
//   argmax    indices[o, i] = the first k at which x[o, k, i] is largest (parts must be 1)
//
// A mean is a sum with scale = 1 / axis.
//
// x [outer, axis, inner], y [outer, parts, inner], indices [outer, inner]. An axis too long for one
// invocation is split into parts, and these are reduced by a second dispatch. The order is fixed, so
// the same input gives the same bits.
//
// One invocation per element of y; memory-bound. On a processor this beats a tree by 6; on a GPU with
// few and long axes by_workgroup is the better one.

override WORKGROUP_SIZE: u32 = 64u;

struct Params { outer: u32, axis: u32, inner: u32, parts: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

// Where an invocation reads: its first element and the distance to the next, in `count` steps.
struct Walk { first: u32, step: u32, count: u32, inside: bool }

fn walkOf(i: u32) -> Walk {
  let along = i % params.inner;
  let part = (i / params.inner) % params.parts;
  let outer = i / params.inner / params.parts;
  let first = (outer * params.axis + part) * params.inner + along;
  let count = (params.axis - part + params.parts - 1u) / params.parts;
  return Walk(first, params.parts * params.inner, count, outer < params.outer);
}

fn indexOf(id: vec3u, groups: vec3u) -> u32 { return id.y * groups.x * WORKGROUP_SIZE + id.x; }

// Bits order as magnitudes do, with NaN above all.
fn magnitudeBits(value: f32) -> u32 { return bitcast<u32>(value) & 0x7fffffffu; }

fn orNaN(best: f32, largest: u32) -> f32 {
  return select(best, bitcast<f32>(largest), largest > 0x7f800000u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn sum(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  let walk = walkOf(i);
  if (!walk.inside) { return; }
  // four running sums: less rounding, and no addition waits for the one before
  var sums = vec4f();
  var at = walk.first;
  var k = 0u;
  for (; k + 3u < walk.count; k += 4u) {
    sums += vec4f(x[at], x[at + walk.step], x[at + 2u * walk.step], x[at + 3u * walk.step]);
    at += 4u * walk.step;
  }
  for (; k < walk.count; k++) {
    sums.x += x[at];
    at += walk.step;
  }
  y[i] = params.scale * ((sums.x + sums.y) + (sums.z + sums.w));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn minimum(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  let walk = walkOf(i);
  if (!walk.inside) { return; }
  var best = x[walk.first];
  var largest = magnitudeBits(best);
  for (var k = 1u; k < walk.count; k++) {
    let value = x[walk.first + k * walk.step];
    best = min(best, value);
    largest = max(largest, magnitudeBits(value));
  }
  y[i] = orNaN(best, largest);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn maximum(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  let walk = walkOf(i);
  if (!walk.inside) { return; }
  var best = x[walk.first];
  var largest = magnitudeBits(best);
  for (var k = 1u; k < walk.count; k++) {
    let value = x[walk.first + k * walk.step];
    best = max(best, value);
    largest = max(largest, magnitudeBits(value));
  }
  y[i] = orNaN(best, largest);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn argmax(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  let walk = walkOf(i);
  if (!walk.inside) { return; }
  var best = x[walk.first];
  var found = 0u;
  for (var k = 1u; k < walk.count; k++) {
    let value = x[walk.first + k * walk.step];
    if (value > best) {
      best = value;
      found = k;
    }
  }
  indices[i] = found;
}
