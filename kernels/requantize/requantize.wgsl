// requantize: the weights of a training step on an integer grid, and what rounding did to the step.
//
//   code(x)   q = clamp(toInteger(x / s), -levels, levels),  a number of the grid stays where it is
//   measure   s = max |x| / levels of every network, at least 2^-120, 1 if all are 0 (levels = 2^bits - 1)
//   observe   partials[network, slot] = (moved, lost, zeros, sum of squares) over the slot's weights:
//             moved counts x != before; lost counts those of them with code(x) = code(before), on the
//             same grid and with the same random number; zeros and squares are of the quantized weights
//   inPlace   x <- before <- s code(x) when due, else before <- x       (the float32 value is gone)
//   shadow    x <- before <- clamp(x, -levels s, levels s),  quantized <- s code(x)
//   record    ring[clock - 1, network] = (lost / moved, zeros / count, sqrt(sum of squares))
//
// Rounding is due when `clock`, the count of steps done, is a multiple of `period`.
//
// x, before, quantized   [networks, inner]
// scales                 [networks, 2]: s and 1 / s, which is what numbers are multiplied by. WGSL lets `/` be
//                        off by 2.5 ULP: both are found by long division, as in dynamic_grid, and equal
//                        levelGrid() of the host
// partials               [networks, allSlots, 4]; a weight has `slots` of them from `firstSlot`
// clock [1], seeds [networks], ring [capacity, networks, 3]
//
// Stochastic: u = (hash(hash(i) ^ key) >> 8) 2^-24, key = hash(hash(hash(hash(seed) + stream)) + clock),
// i the element within its network: `kernels/random_source.ts` has the same numbers, and a population
// rounds as each of its networks does alone. On the grid is what equals round(x / s) s in float32: without
// that, truncation would take a step off weights that nobody moved, wherever float32 puts k s r below k.
// NaN stays NaN.
//
// measure: one workgroup a network. observe: a workgroup per slot and network, a slot holds VECTORS vectors
// a lane. inPlace, shadow: an invocation per 4 vectors of 4. record: one lane a network. All but it are
// memory-bound (8 to 20 bytes an element).
//
// Courbariaux et al. 2015, arXiv:1511.00363 (clipped shadow weights); Gupta et al. 2015, arXiv:1502.02551.

const NEAREST_EVEN = 0u;
const TOWARD_ZERO = 1u; // truncation; "octization" is this with s = 1 / (2^bits - 1)
const DEAD_ZONE = 3u;
const STOCHASTIC = 4u;

override ROUNDING: u32 = NEAREST_EVEN;
override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation of inPlace and shadow
const SLOT_VECTORS = 16u; // a lane of observe
const LANES = vec4u(0u, 1u, 2u, 3u);
const LEAST_SCALE = 0x1p-120f;
const LARGEST_RECIPROCAL = 0x1p126f; // of what is larger, 1 / s is not normal
const INFINITY_BITS = 0x7f800000u;

struct Params {
  networks: u32,
  inner: u32,
  firstSlot: u32,
  allSlots: u32,
  weights: u32,
  capacity: u32,
  stream: u32,
  period: u32,
  levels: f32,
}

@group(0) @binding(0) var<storage, read> weight: array<vec4f>;
@group(0) @binding(1) var<storage, read> old: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> before: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> quantized: array<vec4f>;
@group(0) @binding(5) var<storage, read> grids: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> scales: array<vec2f>;
@group(0) @binding(7) var<storage, read> clock: array<u32>;
@group(0) @binding(8) var<storage, read> seeds: array<u32>;
@group(0) @binding(9) var<storage, read_write> partials: array<vec4f>;
@group(0) @binding(10) var<storage, read> sums: array<vec4f>;
@group(0) @binding(11) var<storage, read_write> ring: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> lanes: array<vec4f, WORKGROUP_SIZE>;

fn hash(input: vec4u) -> vec4u {
  let state = input * 747796405u + 2891336453u;
  let word = ((state >> ((state >> vec4u(28u)) + 4u)) ^ state) * 277803737u;
  return (word >> vec4u(22u)) ^ word;
}

fn networkOf(element: vec4u) -> vec4u {
  return min(element / params.inner, vec4u(params.networks - 1u));
}

fn uniforms(element: vec4u, network: vec4u) -> vec4f {
  if (ROUNDING != STOCHASTIC) { return vec4f(); }
  let seed = vec4u(seeds[network.x], seeds[network.y], seeds[network.z], seeds[network.w]);
  let key = hash(hash(hash(hash(seed) + params.stream)) + clock[0]);
  return vec4f(hash(hash(element - network * params.inner) ^ key) >> vec4u(8u)) *
    5.9604644775390625e-8;
}

// Scale and reciprocal of four elements.
struct Grid { s: vec4f, r: vec4f }

fn gridOf(n: vec4u) -> Grid {
  let first = grids[n.x];
  if (n.x == n.w) { return Grid(vec4f(first.x), vec4f(first.y)); }
  let all = mat4x2f(first, grids[n.y], grids[n.z], grids[n.w]);
  return Grid(vec4f(all[0].x, all[1].x, all[2].x, all[3].x),
    vec4f(all[0].y, all[1].y, all[2].y, all[3].y));
}

fn toInteger(v: vec4f, u: vec4f) -> vec4f {
  switch ROUNDING {
    case TOWARD_ZERO: { return trunc(v); }
    case DEAD_ZONE: { return select(round(v), vec4f(), abs(v) < vec4f(1.0)); }
    case STOCHASTIC: { return floor(v) + select(vec4f(), vec4f(1.0), u < v - floor(v)); }
    default: { return round(v); }
  }
}

fn codeOf(value: vec4f, g: Grid, u: vec4f) -> vec4f {
  let v = value * g.r;
  let nearest = round(v);
  let q = select(toInteger(v, u), nearest, nearest * g.s == value);
  return clamp(q, vec4f(-params.levels), vec4f(params.levels));
}

fn keepNaN(value: vec4f, result: vec4f) -> vec4f {
  let isNaN = (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return select(result, value, isNaN);
}

fn isDue() -> bool { return clock[0] % params.period == 0u; }

// First vector and the one past the last that hold elements of a network.
fn vectorsOf(network: u32) -> vec2u {
  let first = network * params.inner;
  return vec2u(first / 4u, (first + params.inner + 3u) / 4u);
}

// Which of four elements belong to a network: vectors at its ends may be shared.
fn belongs(element: vec4u, network: u32) -> vec4<bool> {
  let first = network * params.inner;
  return (element >= vec4u(first)) & (element < vec4u(first + params.inner));
}

fn significand(bits: u32) -> u32 { return (bits & 0x7fffffu) | 0x800000u; }

// a / b rounded to nearest, ties to even; a and b positive and normal, and so is the quotient.
fn divide(a: f32, b: f32) -> f32 {
  let bitsA = bitcast<u32>(a);
  let bitsB = bitcast<u32>(b);
  let divisor = significand(bitsB);
  var rest = significand(bitsA);
  var exponent = 126u + (bitsA >> 23u) - (bitsB >> 23u);
  if (rest < divisor) {
    rest *= 2u;
    exponent -= 1u;
  }
  var quotient = 0u;
  for (var i = 0u; i < 24u; i++) {
    let fits = rest >= divisor;
    quotient = 2u * quotient + select(0u, 1u, fits);
    rest = 2u * (rest - select(0u, divisor, fits));
  }
  // rest is twice what remains below the last digit
  let up = rest > divisor || (rest == divisor && (quotient & 1u) == 1u);
  // the leading digit adds 1 to the exponent, and so does a carry
  return bitcast<f32>((exponent << 23u) + quotient + select(0u, 1u, up));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn measure(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let span = vectorsOf(group.x);
  var largest = vec4f();
  for (var i = span.x + lane; i < span.y; i += WORKGROUP_SIZE) {
    largest = max(largest, select(vec4f(), abs(weight[i]), belongs(4u * i + LANES, group.x)));
  }
  lanes[lane] = largest;
  workgroupBarrier();
  if (lane != 0u) { return; }
  for (var i = 1u; i < WORKGROUP_SIZE; i++) { largest = max(largest, lanes[i]); }
  let most = max(max(largest.x, largest.y), max(largest.z, largest.w));
  var s = 1.0;
  if (bitcast<u32>(most) == INFINITY_BITS) { s = most; }
  else if (most > 0.0) { s = divide(max(most, LEAST_SCALE * params.levels), params.levels); }
  var r = 1.0 / s;
  if (s <= LARGEST_RECIPROCAL) { r = divide(1.0, s); }
  scales[group.x] = vec2f(s, r);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn observe(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let network = group.y;
  let span = vectorsOf(network);
  let first = span.x + group.x * SLOT_VECTORS * WORKGROUP_SIZE + lane;
  let last = min(first + SLOT_VECTORS * WORKGROUP_SIZE, span.y);
  let due = isDue();
  let g = gridOf(vec4u(network));
  let one = vec4f(1.0);
  var moved = vec4f();
  var lost = vec4f();
  var zeros = vec4f();
  var squares = vec4f();
  for (var i = first; i < last; i += WORKGROUP_SIZE) {
    let element = 4u * i + LANES;
    let own = belongs(element, network);
    let now = weight[i];
    let then = old[i];
    var value = now;
    if (due) {
      let u = uniforms(element, vec4u(network));
      let code = codeOf(now, g, u);
      value = code * g.s;
      lost += select(vec4f(), one, own & (now != then) & (code == codeOf(then, g, u)));
    }
    moved += select(vec4f(), one, own & (now != then));
    zeros += select(vec4f(), one, own & (value == vec4f()));
    squares += select(vec4f(), value * value, own);
  }
  lanes[lane] = vec4f(dot(moved, one), dot(lost, one), dot(zeros, one), dot(squares, one));
  workgroupBarrier();
  if (lane != 0u) { return; }
  var total = lanes[0];
  for (var i = 1u; i < WORKGROUP_SIZE; i++) { total += lanes[i]; }
  partials[network * params.allSlots + params.firstSlot + group.x] = total;
}

fn firstOf(id: vec3u, groups: vec3u) -> vec2u {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  return vec2u(first, min(first + VECTORS, (params.networks * params.inner + 3u) / 4u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn inPlace(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = firstOf(id, groups);
  let due = isDue();
  for (var i = span.x; i < span.y; i++) {
    var value = x[i];
    if (due) {
      let element = 4u * i + LANES;
      let network = networkOf(element);
      let g = gridOf(network);
      value = keepNaN(value, codeOf(value, g, uniforms(element, network)) * g.s);
      x[i] = value;
    }
    before[i] = value;
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn shadow(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = firstOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    let element = 4u * i + LANES;
    let network = networkOf(element);
    let g = gridOf(network);
    let value = x[i];
    let clipped = keepNaN(value, clamp(value, -params.levels * g.s, params.levels * g.s));
    x[i] = clipped;
    before[i] = clipped;
    quantized[i] = keepNaN(value, codeOf(value, g, uniforms(element, network)) * g.s);
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn record(@builtin(global_invocation_id) id: vec3u) {
  let network = id.x;
  if (network >= params.networks) { return; }
  var total = vec4f();
  for (var slot = 0u; slot < params.allSlots; slot++) {
    total += sums[network * params.allSlots + slot];
  }
  let row = 3u * (((clock[0] - 1u) % params.capacity) * params.networks + network);
  ring[row] = total.y / max(total.x, 1.0);
  ring[row + 1u] = total.z / f32(params.weights);
  ring[row + 2u] = sqrt(total.w);
}
