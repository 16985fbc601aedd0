// dynamic_grid: integer grids for what is in a tensor now, found without the host.
//
//   ranges    partials[c, p] = (min, max) of a part of channel c
//   observe   range[c] += momentum ((min, max of all parts) - range[c]);  momentum 1 replaces it
//   grid      lo = min(range.x, 0), hi = max(range.y, 0), n = 2^bits - 1
//             s = (hi - lo) / n, r = 1 / s, z = clamp(round(-(lo r)), 0, n), levels 0 to n
//             SYMMETRIC: n = 2^(bits - 1) - 1, s = max(-lo, hi) / n, r = 1 / s, z = 0, levels -n to n
//   gridOfWidths  the same, each channel of its own bits
//   observeWarming  observe with a momentum of 1 / (clock + 1), where that is more: the mean of all seen so
//                   far, whatever the range was before
//   gridWarming     grid, of 16 bits while clock < warmUp
//
// x         [channels, inner], row-major
// partials  [channels, parts] of (min, max), parts = ceil(inner / chunk)
// range     [channels] of (min, max);  observed [spans] likewise, spans = channels or 1
// clock     [1], steps of training done
// widths    [channels], bits;  scale, inverseScale, zeroPoint, qMin, qMax  [channels]
//
// A channel of nothing but 0 gets s = 1, any other at least 2^-120. These are the float32 operations of
// chooseQuantParams() on the host, to the last bit: WGSL lets `/` be off by 2.5 ULP, so quotients are
// found by long division of the significands, in integers: 24 steps, and there are few channels. A range
// that is not finite or wider than 2^120 gives NaN, and so does all that is quantized with it. A NaN in x
// makes its range NaN, and a moving range for good: min and max may lose it, so it is looked for by bits.
//
// One invocation a part in `ranges`, one a channel elsewhere; memory-bound (4 bytes an element).
//
// Jacob et al. 2018, arXiv:1712.05877, sections 2.1 and 3.1.

override SYMMETRIC: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;

const WIDEST = 0x1p120f;
const FINEST = 0x1p-120f;
const WARMING_BITS = 16u;

struct Params {
  channels: u32, spans: u32, inner: u32, chunk: u32, bits: u32, momentum: f32, warmUp: u32
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> partialsOut: array<vec2f>;
@group(0) @binding(2) var<storage, read> partials: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> range: array<vec2f>;
@group(0) @binding(4) var<storage, read> observed: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> scale: array<f32>;
@group(0) @binding(6) var<storage, read_write> inverseScale: array<f32>;
@group(0) @binding(7) var<storage, read_write> zeroPoint: array<f32>;
@group(0) @binding(8) var<storage, read_write> qMin: array<f32>;
@group(0) @binding(9) var<storage, read_write> qMax: array<f32>;
@group(0) @binding(10) var<storage, read> widths: array<u32>;
@group(0) @binding(11) var<storage, read> clock: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

fn indexOf(id: vec3u, groups: vec3u) -> u32 { return id.y * groups.x * WORKGROUP_SIZE + id.x; }

fn partsOf() -> u32 { return (params.inner + params.chunk - 1u) / params.chunk; }

fn magnitudeBits(v: vec4f) -> vec4u { return bitcast<vec4u>(v) & vec4u(0x7fffffffu); }

fn isNaN(v: vec2f) -> vec2<bool> {
  return (bitcast<vec2u>(v) & vec2u(0x7fffffffu)) > vec2u(0x7f800000u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn ranges(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = indexOf(id, groups);
  let parts = partsOf();
  let c = i / parts;
  if (c >= params.channels) { return; }
  let run = c * params.inner;
  let first = run + i % parts * params.chunk;
  let end = min(first + params.chunk, run + params.inner);
  var low = vec4f(x[first / 4u][first % 4u]);
  var high = low;
  var largest = magnitudeBits(low); // bits order as magnitudes do, with NaN above all
  if (params.inner % 4u == 0u) { // and so is chunk
    for (var v = first / 4u; v < end / 4u; v++) {
      let value = x[v];
      low = min(low, value);
      high = max(high, value);
      largest = max(largest, magnitudeBits(value));
    }
  } else {
    for (var e = first; e < end; e++) {
      let value = x[e / 4u][e % 4u];
      low.x = min(low.x, value);
      high.x = max(high.x, value);
      largest.x = max(largest.x, magnitudeBits(vec4f(value)).x);
    }
  }
  let ends = vec2f(min(min(low.x, low.y), min(low.z, low.w)),
    max(max(high.x, high.y), max(high.z, high.w)));
  let most = vec2f(bitcast<f32>(max(max(largest.x, largest.y), max(largest.z, largest.w))));
  partialsOut[i] = select(ends, most, isNaN(most));
}

// What spans two ranges; NaN if an end is.
fn spanOf(a: vec2f, b: vec2f) -> vec2f {
  let ends = vec2f(min(a.x, b.x), max(a.y, b.y));
  return select(select(ends, b, isNaN(b)), a, isNaN(a));
}

fn moveRange(c: u32, momentum: f32) {
  let parts = partsOf();
  var found = partials[c * parts];
  for (var p = 1u; p < parts; p++) {
    found = spanOf(found, partials[c * parts + p]);
  }
  let moved = range[c] + momentum * (found - range[c]);
  range[c] = select(moved, found, momentum >= 1.0);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn observe(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = indexOf(id, groups);
  if (c < params.channels) { moveRange(c, params.momentum); }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn observeWarming(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = indexOf(id, groups);
  if (c < params.channels) { moveRange(c, max(params.momentum, 1.0 / f32(clock[0] + 1u))); }
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

fn isFinite(v: f32) -> bool { return (bitcast<u32>(v) & 0x7f800000u) != 0x7f800000u; }

fn chooseGrid(c: u32, bits: u32) {
  let found = observed[c % params.spans];
  let low = min(found.x, 0.0);
  let high = max(found.y, 0.0);
  var least = 0.0;
  var most = f32((1u << bits) - 1u);
  var span = high - low;
  if (SYMMETRIC == 1u) {
    most = f32((1u << (bits - 1u)) - 1u);
    least = -most;
    span = max(-low, high);
  }
  var s = 1.0;
  // no quotient is less than FINEST, which divide() could not find
  if (span > 0.0) { s = divide(max(span, FINEST * most), most); }
  let r = divide(1.0, s);
  var zero = 0.0;
  if (SYMMETRIC == 0u) { zero = clamp(round(-(low * r)), 0.0, most); }
  var poison = 0u;
  if (!isFinite(found.x) || !isFinite(found.y) || !(span <= WIDEST)) { poison = 0x7fc00000u; }
  scale[c] = bitcast<f32>(bitcast<u32>(s) | poison);
  inverseScale[c] = bitcast<f32>(bitcast<u32>(r) | poison);
  zeroPoint[c] = bitcast<f32>(bitcast<u32>(zero) | poison);
  qMin[c] = least;
  qMax[c] = most;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn grid(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = indexOf(id, groups);
  if (c < params.channels) { chooseGrid(c, params.bits); }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn gridOfWidths(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = indexOf(id, groups);
  if (c < params.channels) { chooseGrid(c, widths[c]); }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn gridWarming(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = indexOf(id, groups);
  if (c < params.channels) {
    chooseGrid(c, select(params.bits, WARMING_BITS, clock[0] < params.warmUp));
  }
}
