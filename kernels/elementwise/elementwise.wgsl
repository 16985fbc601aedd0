// elementwise: one function of one or two tensors, element by element.
//
//   binary      y[i] = f(a[i], b[i])              tensors of one size
//   broadcast   y[i] = f(a[j], b[k])              any shapes that NumPy would broadcast, up to 4 axes
//   unary       y[i] = g(a[i])
//   affine      y[i] = scale a[i] + shift
//   fill        y[i] = shift
//
// a, b, y   [size], but for broadcast: y [size] with inner axes d1, d2, d3 (d0 is what is left), a and b
// with a stride an axis, 0 along an axis that they lack.
//
// One invocation per 4 vectors of 4 elements (broadcast: per vector); memory-bound (8 or 12 bytes an
// element), but for broadcast on processors, which is bound by its index arithmetic.

const ADD = 0u;
const SUBTRACT = 1u;
const MULTIPLY = 2u;
const DIVIDE = 3u;
const MINIMUM = 4u;
const MAXIMUM = 5u;
const PASS_WHERE_POSITIVE = 6u;
const ADD_RECTIFIED = 7u;

const NEGATE = 0u;
const EXPONENTIAL = 1u;
const LOGARITHM = 2u;
const SQUARE_ROOT = 3u;
const ABSOLUTE = 4u;
const SQUARE = 5u;
const RECIPROCAL = 6u;
const SIGN = 7u;

override OP: u32 = ADD;
override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation

struct Params {
  size: u32, aSize: u32, bSize: u32,
  d1: u32, d2: u32, d3: u32,
  a0: u32, a1: u32, a2: u32, a3: u32,
  b0: u32, b1: u32, b2: u32, b3: u32,
  scale: f32, shift: f32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

// max(v, 0), but NaN stays NaN.
fn rectified(v: vec4f) -> vec4f {
  let isNaN = (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return select(max(v, vec4f()), v, isNaN);
}

fn combine(u: vec4f, v: vec4f) -> vec4f {
  switch OP {
    case SUBTRACT: { return u - v; }
    case MULTIPLY: { return u * v; }
    case DIVIDE: { return u / v; }
    case MINIMUM: { return min(u, v); }
    case MAXIMUM: { return max(u, v); }
    case PASS_WHERE_POSITIVE: { return select(vec4f(), u, v > vec4f()); }
    case ADD_RECTIFIED: { return rectified(u + v); }
    default: { return u + v; }
  }
}

fn apply(v: vec4f) -> vec4f {
  switch OP {
    case EXPONENTIAL: { return exp(v); }
    case LOGARITHM: { return log(v); }
    case SQUARE_ROOT: { return sqrt(v); }
    case ABSOLUTE: { return abs(v); }
    case SQUARE: { return v * v; }
    case RECIPROCAL: { return 1.0 / v; }
    case SIGN: { return sign(v); }
    default: { return -v; }
  }
}

// The vectors of an invocation, from `x` up to but without `y`.
fn vectorsOf(id: vec3u, groups: vec3u) -> vec2u {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  return vec2u(first, min(first + VECTORS, (params.size + 3u) / 4u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn binary(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = vectorsOf(id, groups);
  for (var i = run.x; i < run.y; i++) { y[i] = combine(a[i], b[i]); }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn unary(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = vectorsOf(id, groups);
  for (var i = run.x; i < run.y; i++) { y[i] = apply(a[i]); }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn affine(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = vectorsOf(id, groups);
  for (var i = run.x; i < run.y; i++) { y[i] = params.scale * a[i] + params.shift; }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn fill(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = vectorsOf(id, groups);
  for (var i = run.x; i < run.y; i++) { y[i] = vec4f(params.shift); }
}

// The four coordinates of an element of y.
fn coordinatesOf(element: u32) -> vec4u {
  let c3 = element % params.d3;
  let rest = element / params.d3;
  let c2 = rest % params.d2;
  let more = rest / params.d2;
  return vec4u(more / params.d1, more % params.d1, c2, c3);
}

fn pick(element: u32) -> vec2f {
  let c = coordinatesOf(element);
  let i = c.x * params.a0 + c.y * params.a1 + c.z * params.a2 + c.w * params.a3;
  let j = c.x * params.b0 + c.y * params.b1 + c.z * params.b2 + c.w * params.b3;
  return vec2f(a[i / 4u][i % 4u], b[j / 4u][j % 4u]);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn broadcast(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (4u * i >= params.size) { return; }
  let last = params.size - 1u;
  let p0 = pick(4u * i);
  let p1 = pick(min(4u * i + 1u, last));
  let p2 = pick(min(4u * i + 2u, last));
  let p3 = pick(min(4u * i + 3u, last));
  y[i] = combine(vec4f(p0.x, p1.x, p2.x, p3.x), vec4f(p0.y, p1.y, p2.y, p3.y));
}
