// dwt_axis analysis: split a tensor into a low and a high band along one axis.
//
//   low[k]  = sum_j lowFilter[j]  x[2k + c - j]     c = 1, or taps / 2 for periodization
//   high[k] = sum_j highFilter[j] x[2k + c - j]
//
// x           [outer, length, inner], extended beyond its ends:
//             symmetric (periodic = 0)      ... x1 x0 | x0 x1 ... xn | xn xn-1 ...
//             periodization (periodic = 1)  repeated; an odd signal first repeats its last sample
// low, high   [outer, half, inner], half = (length + taps - 1) / 2, or (length + 1) / 2
// filters     [taps / 2] vectors (low[2i], low[2i + 1], high[2i], high[2i + 1]); taps is even
//
// A 2-D level is this along the width (inner = 1) and then along the height of both bands
// (inner = half the width). One invocation gives 4 coefficients of both bands: a window of even and
// one of odd samples slides along the axis in registers, so two taps cost 2 samples, one vector of
// filters and 16 multiply-adds. Neighboring invocations stand side by side on the inner axis.
// Memory-bound up to about 8 taps.
//
// Mallat 1989, doi:10.1109/34.192463; boundary modes and alignment as in PyWavelets (Lee et al. 2019).

override WORKGROUP_SIZE: u32 = 64u;
const OUTPUTS = 4u; // coefficients of a band, an invocation

struct Params { outer: u32, length: u32, inner: u32, taps: u32, periodic: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> filters: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> low: array<f32>;
@group(0) @binding(3) var<storage, read_write> high: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// The sample that stands at `place` of the extended signal: reflected at an end, or moved by a
// period, until it is inside. It takes a loop as signals may be shorter than the filters; divisions
// would cost more than all the rest of the kernel.
fn extended(place: i32) -> u32 {
  let length = i32(params.length);
  let periodic = params.periodic == 1u;
  let limit = select(length, length + (length & 1), periodic);
  let direction = select(-1, 1, periodic);
  let fromBelow = select(-1, limit, periodic);
  let fromAbove = select(2 * length - 1, -limit, periodic);
  var inside = place;
  while (inside < 0 || inside >= limit) {
    inside = direction * inside + select(fromAbove, fromBelow, inside < 0);
  }
  return u32(min(inside, length - 1));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn analysis(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let reach = select(params.length + params.taps - 1u, params.length + 1u, params.periodic == 1u);
  let half = reach / 2u;
  let runs = (half + OUTPUTS - 1u) / OUTPUTS;
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (index >= params.outer * runs * params.inner) { return; }
  let column = index % params.inner;
  let row = index / params.inner;
  let first = (row % runs) * OUTPUTS;
  let outer = row / runs;
  let readAt = outer * params.length * params.inner + column;

  let center = i32(2u * first + select(1u, params.taps / 2u, params.periodic == 1u));
  var even = vec4f();
  var odd = vec4f();
  for (var i = 1; i < i32(OUTPUTS); i++) { // the window, but for what slides in first
    even = vec4f(even.yzw, x[readAt + extended(center + 2 * i) * params.inner]);
    odd = vec4f(odd.yzw, x[readAt + extended(center + 2 * i - 1) * params.inner]);
  }
  even = vec4f(even.yzw, 0.0);
  odd = vec4f(odd.yzw, 0.0);

  var lows = vec4f();
  var highs = vec4f();
  for (var i = 0u; i < params.taps / 2u; i++) {
    let place = center - 2 * i32(i);
    even = vec4f(x[readAt + extended(place) * params.inner], even.xyz);
    odd = vec4f(x[readAt + extended(place - 1) * params.inner], odd.xyz);
    let f = filters[i];
    lows += f.x * even + f.y * odd;
    highs += f.z * even + f.w * odd;
  }
  let writeAt = (outer * half + first) * params.inner + column;
  for (var i = 0u; i < min(OUTPUTS, half - first); i++) {
    low[writeAt + i * params.inner] = lows[i];
    high[writeAt + i * params.inner] = highs[i];
  }
}
