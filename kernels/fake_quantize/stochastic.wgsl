// stochastic_fake_quantize: snap every element to one of the two numbers of its grid beside it, the
// nearer one the likelier, then scale it back.
//
//   v = x * inverseScale
//   q = floor(v) + [u < v - floor(v)] + zeroPoint,   u uniform in [0, 1)
//   forward     y = (clamp(q, qMin, qMax) - zeroPoint) * scale
//   backward   dx = dy where qMin <= q <= qMax, else 0    (the same numbers again: none is stored)
//
// Inside the grid the expectation of y is x. u = (hash(hash(i) ^ keys[network]) >> 8) 2^-24, i the
// element within its network: the numbers of `kernels/random_source.ts`, so a population rounds as each
// of its networks does alone. NaN stays NaN, though clamp may lose it.
//
// x, y, dx, dy                                  [networks, size / networks] and, seen otherwise,
//                                               [outer, channels, inner], row-major
// scale, inverseScale, zeroPoint, qMin, qMax    [channels]
// keys                                          [networks]
//
// With xSize < size, x begins anew every xSize elements: networks that share an input.
//
// One invocation per 4 vectors of 4 elements; memory-bound on a GPU (8 bytes and some 36 operations an
// element), compute-bound on a processor. `v` comes from `*` and not from `/`: see fake_quantize.wgsl.
//
// Gupta et al. 2015, arXiv:1502.02551. PCG as a hash: Jarzynski and Olano 2020, JCGT 9(3).

override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation
const LANES = vec4u(0u, 1u, 2u, 3u);

struct Params { size: u32, channels: u32, inner: u32, xSize: u32, networks: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read> inverseScale: array<f32>;
@group(0) @binding(3) var<storage, read> zeroPoint: array<f32>;
@group(0) @binding(4) var<storage, read> qMin: array<f32>;
@group(0) @binding(5) var<storage, read> qMax: array<f32>;
@group(0) @binding(6) var<storage, read> keys: array<u32>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(8) var<storage, read> dy: array<vec4f>;
@group(0) @binding(9) var<storage, read_write> dx: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn hash(input: vec4u) -> vec4u {
  let state = input * 747796405u + 2891336453u;
  let word = ((state >> ((state >> vec4u(28u)) + 4u)) ^ state) * 277803737u;
  return (word >> vec4u(22u)) ^ word;
}

// Four elements of x, which begins anew every xSize elements.
fn valuesAt(element: vec4u) -> vec4f {
  if (params.xSize == params.size) { return x[element.x / 4u]; }
  let e = element % params.xSize;
  return vec4f(x[e.x / 4u][e.x % 4u], x[e.y / 4u][e.y % 4u], x[e.z / 4u][e.z % 4u],
    x[e.w / 4u][e.w % 4u]);
}

fn uniforms(element: vec4u) -> vec4f {
  let each = params.size / params.networks;
  let network = min(element / each, vec4u(params.networks - 1u));
  let key = vec4u(keys[network.x], keys[network.y], keys[network.z], keys[network.w]);
  return vec4f(hash(hash(element - network * each) ^ key) >> vec4u(8u)) * 5.9604644775390625e-8;
}

struct Grid { zero: vec4f, low: vec4f, high: vec4f }

fn gridOf(c: vec4u) -> Grid {
  return Grid(
    vec4f(zeroPoint[c.x], zeroPoint[c.y], zeroPoint[c.z], zeroPoint[c.w]),
    vec4f(qMin[c.x], qMin[c.y], qMin[c.z], qMin[c.w]),
    vec4f(qMax[c.x], qMax[c.y], qMax[c.z], qMax[c.w]));
}

// The integers of four elements before the zero point is added.
fn draw(value: vec4f, element: vec4u, c: vec4u) -> vec4f {
  let inverse = vec4f(inverseScale[c.x], inverseScale[c.y], inverseScale[c.z], inverseScale[c.w]);
  let v = value * inverse;
  let below = floor(v);
  return below + select(vec4f(), vec4f(1.0), uniforms(element) < v - below);
}

fn keepNaN(value: vec4f, result: vec4f) -> vec4f {
  let isNaN = (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return select(result, value, isNaN);
}

fn channelsOf(element: vec4u) -> vec4u {
  return (element / params.inner) % params.channels;
}

// The first vector of an invocation, and the one after the last of all.
fn vectorsOf(id: vec3u, groups: vec3u) -> vec2u {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  return vec2u(first, min(first + VECTORS, (params.size + 3u) / 4u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    let element = 4u * i + LANES;
    let c = channelsOf(element);
    let g = gridOf(c);
    let step = vec4f(scale[c.x], scale[c.y], scale[c.z], scale[c.w]);
    let value = valuesAt(element);
    let q = clamp(draw(value, element, c) + g.zero, g.low, g.high);
    y[i] = keepNaN(value, (q - g.zero) * step);
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let span = vectorsOf(id, groups);
  for (var i = span.x; i < span.y; i++) {
    let element = 4u * i + LANES;
    let c = channelsOf(element);
    let g = gridOf(c);
    let q = draw(valuesAt(element), element, c) + g.zero;
    dx[i] = select(vec4f(), dy[i], (g.low <= q) & (q <= g.high));
  }
}
