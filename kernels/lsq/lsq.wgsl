// lsq: learned step size quantization: a step s, and for LSQ+ an offset, that learn as weights do.
//
//   grid     s = max(step, floor), r = 1 / s;  with CLIP the learned number is the end of the range:
//            s = max(step / qMax, floor)                                                       (PACT)
//   forward  v = (x - offset) r,  level = clamp(round(v), qMin, qMax),  y = level s + offset
//   inputGradient    dx = dy where qMin <= v <= qMax, else 0
//   stepSums, step   dStep   = g sum dy e,  e = level - v inside, qMin below, qMax above
//                    dOffset = g sum dy where v is outside
//            g = 1 / sqrt(count qMax), or 1 if count is 0.  With CLIP e = 0 inside, and dStep / qMax.
//
// This is the exact gradient of y with the rounding error level - v held constant, times g. LEVELS is
// INTEGERS; SIGNS: level = -1 where v < 0, else 1, with qMin = -1 and qMax = 1; CONTINUOUS: level =
// clamp(v, qMin, qMax). What is not finite stays so, for the loss to show it.
//
// x, y, dx, dy           [outer, channels, inner], row-major
// step, offset, dStep    [channels]; limits [channels] of (qMin, qMax); channels = 1 means per-tensor
// grid                   [channels] of (s, r, qMin, qMax)
// partials               [channels, parts] of (sum of dy e, sum of dy outside), parts = outer ceil(inner / chunk)
//
// `1 / s` may be off by 2.5 ULP, so it is taken once, and all that follows multiplies by what is in
// `grid`: given it, every adapter finds the same levels. Memory-bound: 4 vectors of 4 elements an
// invocation, `chunk` elements of one channel in stepSums, one workgroup a channel in step: a fixed tree.
//
// Esser et al. 2020, arXiv:1902.08153 (LSQ); Bhalgat et al. 2020, arXiv:2004.09576 (LSQ+);
// Choi et al. 2018, arXiv:1805.06085 (PACT); signs: Rastegari et al. 2016, arXiv:1603.05279.

const ONE_CHANNEL = 0u;
const BY_VECTOR = 1u;
const BY_ELEMENT = 2u;

const INTEGERS = 0u;
const SIGNS = 1u;
const CONTINUOUS = 2u;

override CHANNELS: u32 = BY_ELEMENT;
override LEVELS: u32 = INTEGERS;
override OFFSET: u32 = 0u;
override CLIP: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;
override LANES: u32 = 64u;
const VECTORS = 4u; // an invocation

struct Params { size: u32, channels: u32, inner: u32, chunk: u32, count: f32, floor: f32 }

@group(0) @binding(0) var<storage, read> step: array<f32>;
@group(0) @binding(1) var<storage, read> limits: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> gridOut: array<vec4f>;
@group(0) @binding(3) var<storage, read> grid: array<vec4f>;
@group(0) @binding(4) var<storage, read> offset: array<f32>;
@group(0) @binding(5) var<storage, read> x: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(7) var<storage, read> dy: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(9) var<storage, read_write> partialsOut: array<vec2f>;
@group(0) @binding(10) var<storage, read> partials: array<vec2f>;
@group(0) @binding(11) var<storage, read_write> dStep: array<f32>;
@group(0) @binding(12) var<storage, read_write> dOffset: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> sums: array<vec2f, LANES>;

fn isBroken(v: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(v) & vec4u(0x7f800000u)) == vec4u(0x7f800000u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn prepare(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (c >= params.channels) { return; }
  var asked = step[c];
  if (CLIP == 1u) { asked = asked / limits[c].y; }
  // max would turn NaN into the floor
  let s = select(max(asked, params.floor), asked, isBroken(vec4f(asked)).x);
  gridOut[c] = vec4f(s, 1.0 / s, limits[c]);
}

// The grids of four elements.
struct Grid { step: vec4f, inverse: vec4f, low: vec4f, high: vec4f, offset: vec4f }

fn gridOfChannel(c: u32) -> Grid {
  let g = grid[c];
  var shift = 0.0;
  if (OFFSET == 1u) { shift = offset[c]; }
  return Grid(vec4f(g.x), vec4f(g.y), vec4f(g.z), vec4f(g.w), vec4f(shift));
}

// The grids of the four elements that start at `element`.
fn gridOf(element: u32) -> Grid {
  switch CHANNELS {
    case ONE_CHANNEL: { return gridOfChannel(0u); }
    case BY_VECTOR: { return gridOfChannel((element / params.inner) % params.channels); }
    default: {
      let c = ((element + vec4u(0u, 1u, 2u, 3u)) / params.inner) % params.channels;
      let g = transpose(mat4x4f(grid[c.x], grid[c.y], grid[c.z], grid[c.w]));
      var shift = vec4f();
      if (OFFSET == 1u) { shift = vec4f(offset[c.x], offset[c.y], offset[c.z], offset[c.w]); }
      return Grid(g[0], g[1], g[2], g[3], shift);
    }
  }
}

fn levelOf(v: vec4f, g: Grid) -> vec4f {
  switch LEVELS {
    case SIGNS: { return select(vec4f(-1.0), vec4f(1.0), v >= vec4f()); }
    case CONTINUOUS: { return clamp(v, g.low, g.high); }
    default: { return clamp(round(v), g.low, g.high); }
  }
}

// The first vector of an invocation, and the one after its last.
fn vectorsOf(id: vec3u, groups: vec3u) -> vec2u {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  return vec2u(first, min(first + VECTORS, (params.size + 3u) / 4u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    let g = gridOf(4u * i);
    let level = levelOf((x[i] - g.offset) * g.inverse, g);
    y[i] = select(level * g.step + g.offset, x[i], isBroken(x[i]));
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn inputGradient(@builtin(global_invocation_id) id: vec3u,
                 @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    let g = gridOf(4u * i);
    let v = (x[i] - g.offset) * g.inverse;
    dx[i] = select(vec4f(), dy[i], (g.low <= v) & (v <= g.high));
  }
}

// What four elements add to the sums: (dy e, dy outside).
fn shareOf(xs: vec4f, slopes: vec4f, g: Grid) -> vec2f {
  let v = (xs - g.offset) * g.inverse;
  let outside = (v < g.low) | (g.high < v);
  var error = levelOf(v, g) - v;
  if (CLIP == 1u) { error = vec4f(); }
  let e = select(error, clamp(v, g.low, g.high), outside);
  return vec2f(dot(slopes, e), dot(slopes, select(vec4f(), vec4f(1.0), outside)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn stepSums(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let chunks = (params.inner + params.chunk - 1u) / params.chunk;
  let parts = params.size / (params.channels * params.inner) * chunks;
  let c = i / parts;
  if (c >= params.channels) { return; }
  let part = i % parts;
  let run = (part / chunks * params.channels + c) * params.inner;
  let first = run + part % chunks * params.chunk;
  let end = min(first + params.chunk, run + params.inner);
  let g = gridOfChannel(c);
  var sum = vec2f();
  if (params.inner % 4u == 0u) { // and so is chunk
    for (var v = first / 4u; v < end / 4u; v++) { sum += shareOf(x[v], dy[v], g); }
  } else {
    for (var e = first; e < end; e++) {
      let slope = vec4f(dy[e / 4u][e % 4u], 0.0, 0.0, 0.0);
      sum += shareOf(vec4f(x[e / 4u][e % 4u]), slope, g);
    }
  }
  partialsOut[i] = sum;
}

@compute @workgroup_size(LANES)
fn stepGradient(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
                @builtin(local_invocation_index) lane: u32) {
  let c = group.y * groups.x + group.x;
  let chunks = (params.inner + params.chunk - 1u) / params.chunk;
  let parts = params.size / (params.channels * params.inner) * chunks;
  var sum = vec2f();
  if (c < params.channels) {
    for (var p = lane; p < parts; p += LANES) { sum += partials[c * parts + p]; }
  }
  sums[lane] = sum;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u && c < params.channels) {
    let high = grid[c].w;
    var factor = 1.0;
    if (params.count > 0.0) { factor = 1.0 / sqrt(params.count * high); }
    dOffset[c] = factor * sums[0].y;
    if (CLIP == 1u) { factor = factor / high; }
    dStep[c] = factor * sums[0].x;
  }
}
