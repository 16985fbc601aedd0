// difference: how far a tensor is from another, and how much of one lies outside a range.
//
//   compare   signal += sum a^2,  noise += sum (a - b)^2       10 log10(signal / noise) is the
//             largest = max(largest, max |a - b|)              signal-to-quantization-noise ratio
//             peakA = max(peakA, max |a|),  peakB likewise     a channel whose peak is 0 is dead
//   outside   count += how many x are below `low` or above `high`
//
// a, b, x            [rows, channels, plane]
// signal, ... count  [groups, channels, lanes]: slots, updated in place over as many batches as there are
//
// Slot (group, channel, lane) takes every `lanes`th element or vector of the channel's plane in rows
// group, group + groups, ...; the host adds the few slots of a channel in float64, so no sum is long in
// float32 and no activation leaves the GPU. The order is fixed: the same input gives the same bits.
// A NaN shows in the sums; the maxima pass over it.
//
// Launch: an invocation a slot. FOURS = 1 promises whole vectors, plane % 4 = 0; else elements are taken
// one by one. Memory-bound: a and b are read once.

override FOURS: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;

struct Params {
  rows: u32, channels: u32, plane: u32, lanes: u32, groups: u32,
  low: f32, high: f32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> signal: array<f32>;
@group(0) @binding(3) var<storage, read_write> noise: array<f32>;
@group(0) @binding(4) var<storage, read_write> largest: array<f32>;
@group(0) @binding(5) var<storage, read_write> peakA: array<f32>;
@group(0) @binding(6) var<storage, read_write> peakB: array<f32>;
@group(0) @binding(7) var<storage, read> x: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> count: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

// Units are vectors or elements.
struct Walk { slot: u32, group: u32, channel: u32, lane: u32, units: u32, inside: bool }

fn walkOf(id: vec3u, groups: vec3u) -> Walk {
  let slot = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let line = slot / params.lanes;
  let units = select(params.plane, params.plane / 4u, FOURS == 1u);
  let group = line / params.channels;
  return Walk(slot, group, line % params.channels, slot % params.lanes, units, group < params.groups);
}

// The first unit of a row's channel.
fn startOf(walk: Walk, row: u32) -> u32 { return (row * params.channels + walk.channel) * walk.units; }

fn sumOf(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

fn largestOf(v: vec4f) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }

@compute @workgroup_size(WORKGROUP_SIZE)
fn compare(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let walk = walkOf(id, groups);
  if (!walk.inside) { return; }
  var power = vec4f();
  var wrong = vec4f();
  var furthest = vec4f();
  var mostA = vec4f();
  var mostB = vec4f();
  for (var row = walk.group; row < params.rows; row += params.groups) {
    let start = startOf(walk, row);
    for (var i = start + walk.lane; i < start + walk.units; i += params.lanes) {
      var p: vec4f;
      var q: vec4f;
      if (FOURS == 1u) {
        p = a[i];
        q = b[i];
      } else {
        p.x = a[i / 4u][i % 4u];
        q.x = b[i / 4u][i % 4u];
      }
      let apart = p - q;
      power += p * p;
      wrong += apart * apart;
      furthest = max(furthest, abs(apart));
      mostA = max(mostA, abs(p));
      mostB = max(mostB, abs(q));
    }
  }
  signal[walk.slot] += sumOf(power);
  noise[walk.slot] += sumOf(wrong);
  largest[walk.slot] = max(largest[walk.slot], largestOf(furthest));
  peakA[walk.slot] = max(peakA[walk.slot], largestOf(mostA));
  peakB[walk.slot] = max(peakB[walk.slot], largestOf(mostB));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn outside(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let walk = walkOf(id, groups);
  if (!walk.inside) { return; }
  var found = vec4u();
  for (var row = walk.group; row < params.rows; row += params.groups) {
    let start = startOf(walk, row);
    for (var i = start + walk.lane; i < start + walk.units; i += params.lanes) {
      // what is no element must not count, wherever the range lies
      var p = vec4f(params.low);
      if (FOURS == 1u) { p = x[i]; } else { p.x = x[i / 4u][i % 4u]; }
      let isOutside = (p < vec4f(params.low)) | (p > vec4f(params.high));
      found += select(vec4u(), vec4u(1u), isOutside);
    }
  }
  count[walk.slot] += (found.x + found.y) + (found.z + found.w);
}
