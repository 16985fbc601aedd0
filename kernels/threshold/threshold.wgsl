// threshold: set small coefficients to zero.
//
//   hard   y = x                          where x is kept, else 0
//   soft   y = sign(x) max(|x| - t, 0)
//
// x             [sources, inner]; sources = channels, or 1 when all channels share one x
// magnitude     [channels], t >= 0: the largest magnitude that is dropped
// tiesBelow     [channels]: among equals of t, those at an index below this one are kept
// y             [channels, inner]
//
// Hard keeps |x| > t, and |x| = t where first + i < tiesBelow: so many exactly, however many are
// equal. `first` is the index of the tensor's first element within its channel's coefficients.
// One invocation per 4 elements; memory-bound (8 bytes and 4 operations an element). Vectors that
// lie across channels (inner not a multiple of 4) are put together from scalars.
//
// Donoho and Johnstone 1994, doi:10.1093/biomet/81.3.425

override WORKGROUP_SIZE: u32 = 64u;

struct Params { channels: u32, sources: u32, inner: u32, first: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> magnitude: array<f32>;
@group(0) @binding(2) var<storage, read> tiesBelow: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

// Four elements with the threshold and the tie limit of each.
struct Elements { value: vec4f, threshold: vec4f, tied: vec4<bool> }

fn elementsAt(vector: u32) -> Elements {
  let element = 4u * vector + vec4u(0u, 1u, 2u, 3u);
  if (params.inner % 4u == 0u) {
    let channel = element.x / params.inner;
    let index = element - channel * params.inner;
    let place = select(index.x / 4u, vector, params.sources > 1u);
    let limit = tiesBelow[channel];
    return Elements(x[place], vec4f(magnitude[channel]), params.first + index < vec4u(limit));
  }
  var found: Elements;
  for (var i = 0u; i < 4u; i++) {
    let channel = min(element[i] / params.inner, params.channels - 1u);
    let index = element[i] - channel * params.inner;
    let place = select(index, element[i], params.sources > 1u);
    found.value[i] = x[place / 4u][place % 4u];
    found.threshold[i] = magnitude[channel];
    found.tied[i] = params.first + index < tiesBelow[channel];
  }
  return found;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn hard(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let vector = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (4u * vector >= params.channels * params.inner) { return; }
  let e = elementsAt(vector);
  let kept = (abs(e.value) > e.threshold) | ((abs(e.value) == e.threshold) & e.tied);
  y[vector] = select(vec4f(), e.value, kept);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn soft(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let vector = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (4u * vector >= params.channels * params.inner) { return; }
  let e = elementsAt(vector);
  y[vector] = sign(e.value) * max(abs(e.value) - e.threshold, vec4f());
}
