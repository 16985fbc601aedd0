// histogram: counts values by sign, exponent and the first ten bits of the mantissa.
//
//   counts[65536 [x > 0] + k] += 1,   k = 1024 (floor(log2 |x|) + 30) + floor(1024 (|x| / 2^floor(log2 |x|) - 1))
//
// for 2^-30 <= |x| < 2^34; counts[131072] counts what is smaller, 0 among it, and counts[131073] what is
// greater or not finite. Bins are a 1024th of their octave wide, so no range need be known beforehand:
// one pass counts every batch of a calibration, and the counts of batches add up.
//
// x        [size]
// counts   [131074], added to
//
// k comes from the bits of x, so counts are exact on every adapter. One invocation per 4 vectors of 4
// elements; bound by atomic additions. Zeros, half of what a ReLU gives, are added up in a register first.

override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation
const LEAST = 813694976u; // bits of 2^-30
const BEYOND = 1350565888u; // bits of 2^34
const SIDE = 65536u;

struct Params { size: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn accumulate(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  var small = 0u;
  for (var i = first; i < first + VECTORS; i++) {
    if (4u * i >= params.size) { break; }
    let bits = bitcast<vec4u>(x[i]);
    for (var lane = 0u; lane < min(4u, params.size - 4u * i); lane++) {
      let magnitude = bits[lane] & 0x7fffffffu;
      if (magnitude < LEAST) {
        small++;
      } else if (magnitude >= BEYOND) {
        atomicAdd(&counts[2u * SIDE + 1u], 1u);
      } else {
        let side = select(SIDE, 0u, bits[lane] >= 0x80000000u);
        atomicAdd(&counts[side + ((magnitude - LEAST) >> 13u)], 1u);
      }
    }
  }
  if (small > 0u) { atomicAdd(&counts[2u * SIDE], small); }
}
