// conv2d_pack: weights laid out the way register_tiled.wgsl walks through them.
//
//   forward          packed[p, block, k, run, ky, j, c] = w[p, 8 block + c, k, ky, 3 run + j]
//   inputGradient    turned[p, block, k, run, ky, j, c] =
//                      w[p, k, 8 block + c, kernelHeight - 1 - ky, kernelWidth - 1 - (3 run + j)]
//
// and 0 where 8 block + c or 3 run + j is outside.
//
// weight   [networks, outChannels, inChannels, kernelHeight, kernelWidth]
// packed   [networks, ceil(outChannels / 8), inChannels, ceil(kernelWidth / 3), kernelHeight, 3, 8]
// turned   [networks, ceil(inChannels / 8), outChannels, ceil(kernelWidth / 3), kernelHeight, 3, 8]
//
// One invocation an element of the result; memory-bound, and small beside the convolution: the
// weights are read once, where the convolution reads them once a tile.

override WORKGROUP_SIZE: u32 = 64u;
const BLOCK = 8u;
const RUN = 3u;

struct Params {
  networks: u32, xStride: u32, batch: u32,
  inChannels: u32, inHeight: u32, inWidth: u32,
  outChannels: u32, outHeight: u32, outWidth: u32,
  kernelHeight: u32, kernelWidth: u32, stride: u32, padding: u32
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> packed: array<f32>;
@group(0) @binding(2) var<storage, read_write> turned: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Where an element of the result stands: `lane` is its channel of all blocks.
struct Place { network: u32, lane: u32, k: u32, ky: u32, kx: u32 }

fn placeOf(i: u32, laneChannels: u32, channels: u32) -> Place {
  let runs = (params.kernelWidth + RUN - 1u) / RUN;
  let blocks = (laneChannels + BLOCK - 1u) / BLOCK;
  let tap = i / BLOCK;
  let line = tap / RUN;
  let stripe = line / params.kernelHeight;
  let plane = stripe / runs;
  let block = plane / channels;
  return Place(block / blocks, block % blocks * BLOCK + i % BLOCK, plane % channels,
    line % params.kernelHeight, stripe % runs * RUN + tap % RUN);
}

fn weightAt(network: u32, o: u32, i: u32, ky: u32, kx: u32) -> f32 {
  let plane = (network * params.outChannels + o) * params.inChannels + i;
  return weight[(plane * params.kernelHeight + ky) * params.kernelWidth + kx];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let at = placeOf(i, params.outChannels, params.inChannels);
  if (at.network >= params.networks) { return; }
  var value = 0.0;
  if (at.lane < params.outChannels && at.kx < params.kernelWidth) {
    value = weightAt(at.network, at.lane, at.k, at.ky, at.kx);
  }
  packed[i] = value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn inputGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let at = placeOf(i, params.inChannels, params.outChannels);
  if (at.network >= params.networks) { return; }
  var value = 0.0;
  if (at.lane < params.inChannels && at.kx < params.kernelWidth) {
    value = weightAt(at.network, at.k, at.lane, params.kernelHeight - 1u - at.ky,
      params.kernelWidth - 1u - at.kx);
  }
  turned[i] = value;
}
