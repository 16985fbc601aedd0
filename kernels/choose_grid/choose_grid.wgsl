// choose_grid: the asymmetric integer grid of a range, found on the GPU: dynamic quantization.
//
//   lo = min(low, 0), hi = max(high, 0)
//   scale = max((hi - lo) / qMax, 2^-120), 1 if lo = hi
//   inverseScale = 1 / scale
//   zeroPoint = clamp(round(-lo * inverseScale), 0, qMax)
//
// low, high                          [ranges], ranges = channels or 1
// qMax                               [channels], 2^bits - 1, so that bit-widths may differ
// scale, inverseScale, zeroPoint     [channels]
//
// The same float32 operations as chooseQuantParams() on the host, to the last bit. WGSL lets `/` be off
// by 2.5 ULP, so quotients are found by long division of the significands, in integers: 24 steps, and
// there are few channels. A range that is not finite or wider than 2^120 gives NaN, and so does all
// that is quantized with it: nothing is quantized wrongly in silence.
//
// One invocation per channel; neither memory nor arithmetic counts.
//
// Jacob et al. 2018, arXiv:1712.05877, section 2.1.

override WORKGROUP_SIZE: u32 = 64u;

const WIDEST = 0x1p120f;
const FINEST = 0x1p-120f;

struct Params { channels: u32, ranges: u32 }

@group(0) @binding(0) var<storage, read> low: array<f32>;
@group(0) @binding(1) var<storage, read> high: array<f32>;
@group(0) @binding(2) var<storage, read> qMax: array<f32>;
@group(0) @binding(3) var<storage, read_write> scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> inverseScale: array<f32>;
@group(0) @binding(5) var<storage, read_write> zeroPoint: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

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

@compute @workgroup_size(WORKGROUP_SIZE)
fn choose(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (c >= params.channels) { return; }
  let found = vec2f(low[c % params.ranges], high[c % params.ranges]);
  let lo = min(found.x, 0.0);
  let width = max(found.y, 0.0) - lo;
  let most = qMax[c];
  var step = 1.0;
  // below FINEST * most the quotient would be FINEST or less
  if (width > 0.0) { step = max(divide(max(width, FINEST), most), FINEST); }
  let reciprocal = divide(1.0, step);
  let zero = clamp(round(-(lo * reciprocal)), 0.0, most);
  var poison = 0u;
  if (!isFinite(found.x) || !isFinite(found.y) || !(width <= WIDEST)) { poison = 0x7fc00000u; }
  scale[c] = bitcast<f32>(bitcast<u32>(step) | poison);
  inverseScale[c] = bitcast<f32>(bitcast<u32>(reciprocal) | poison);
  zeroPoint[c] = bitcast<f32>(bitcast<u32>(zero) | poison);
}
