// dwt_axis synthesis: join a low and a high band along one axis.
//
//   y[n] = sum_k low[k] lowFilter[n + s - 2k] + high[k] highFilter[n + s - 2k]
//   s = taps - 2, or taps / 2 - 1 for periodization, where k is periodic
//
// low, high   [outer, half, inner], half = (length + taps - 1) / 2, or (length + 1) / 2
// y           [outer, length, inner]; what the bands hold beyond an odd length is dropped
// filters     [taps / 2] vectors (low[2i], low[2i + 1], high[2i], high[2i + 1]); taps is even
//
// With u = n + s = 2m or 2m + 1 the even taps meet low[m - i] for even u, the odd taps for odd u.
// One invocation gives the 8 samples of 4 consecutive m: a window of each band slides along the
// axis in registers, so two taps cost 2 coefficients, one vector of filters and 16 multiply-adds.
// Neighboring invocations stand side by side on the inner axis. Memory-bound up to about 8 taps.
//
// Mallat 1989, doi:10.1109/34.192463; boundary modes and alignment as in PyWavelets (Lee et al. 2019).

override WORKGROUP_SIZE: u32 = 64u;
const PAIRS = 4u; // of samples, an invocation

struct Params { outer: u32, length: u32, inner: u32, taps: u32, periodic: u32 }

@group(0) @binding(0) var<storage, read> low: array<f32>;
@group(0) @binding(1) var<storage, read> high: array<f32>;
@group(0) @binding(2) var<storage, read> filters: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Places outside of a band wrap around; in symmetric mode only samples that are dropped need them.
fn wrapped(place: i32, half: i32) -> u32 {
  var inside = place;
  while (inside < 0 || inside >= half) { inside += select(-half, half, inside < 0); }
  return u32(inside);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn synthesis(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let periodic = params.periodic == 1u;
  let half = select(params.length + params.taps - 1u, params.length + 1u, periodic) / 2u;
  let shift = select(params.taps - 2u, params.taps / 2u - 1u, periodic);
  let runs = (params.length + (shift & 1u) + 2u * PAIRS - 1u) / (2u * PAIRS);
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (index >= params.outer * runs * params.inner) { return; }
  let column = index % params.inner;
  let row = index / params.inner;
  let outer = row / runs;
  let readAt = outer * half * params.inner + column;

  let first = i32(shift / 2u + (row % runs) * PAIRS); // the first m
  var lows = vec4f();
  var highs = vec4f();
  for (var i = 1; i < i32(PAIRS); i++) { // the window, but for what slides in first
    let place = readAt + wrapped(first + i, i32(half)) * params.inner;
    lows = vec4f(lows.yzw, low[place]);
    highs = vec4f(highs.yzw, high[place]);
  }
  lows = vec4f(lows.yzw, 0.0);
  highs = vec4f(highs.yzw, 0.0);

  var even = vec4f();
  var odd = vec4f();
  for (var i = 0u; i < params.taps / 2u; i++) {
    let place = readAt + wrapped(first - i32(i), i32(half)) * params.inner;
    lows = vec4f(low[place], lows.xyz);
    highs = vec4f(high[place], highs.xyz);
    let f = filters[i];
    even += f.x * lows + f.z * highs;
    odd += f.y * lows + f.w * highs;
  }
  let writeAt = outer * params.length * params.inner + column;
  for (var i = 0; i < i32(PAIRS); i++) {
    let n = 2 * (first + i) - i32(shift);
    if (n >= 0 && n < i32(params.length)) { y[writeAt + u32(n) * params.inner] = even[i]; }
    if (n + 1 < i32(params.length)) { y[writeAt + u32(n + 1) * params.inner] = odd[i]; }
  }
}
