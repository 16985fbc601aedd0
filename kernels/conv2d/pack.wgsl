// conv2d_pack: weights and bias laid out the way register_tiled.wgsl walks through them.
//
//   forward        packed[p, g, block, c]     = 0
//   forwardBias                               = bias[p, g, o]
//   inputGradient                             = 0
//   forward, forwardBias
//                  packed[p, g, block, 8 + ((k, run, ky, j), c)] = w[p, g, o, k, ky, 3 run + j]
//   inputGradient                             = w[p, g, k, o, kernelHeight - 1 - ky,
//                                                 kernelWidth - 1 - (3 run + j)]
//
// with o = 8 block + c, and 0 where o or 3 run + j is outside.
//
// weight   [networks, groups, outChannels, inChannels, kernelHeight, kernelWidth];
//          with the two channels exchanged for inputGradient, whose convolution goes back
// bias     [networks, groups, outChannels]
// packed   [networks, groups, ceil(outChannels / 8),
//           8 + inChannels ceil(kernelWidth / 3) kernelHeight 3 8]
//
// One invocation an element of the result; memory-bound, and small beside the convolution: the
// weights are read once, where the convolution reads them once a tile.

override WORKGROUP_SIZE: u32 = 64u;
const BLOCK = 8u;
const RUN = 3u;

struct Params {
  networks: u32, groups: u32, inChannels: u32, outChannels: u32, kernelHeight: u32, kernelWidth: u32
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read_write> packed: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Where an element of the result stands: `channel` counts through all groups of all networks.
struct Place { channel: u32, k: u32, ky: u32, kx: u32, inside: bool, isBias: bool, exists: bool }

fn placeOf(i: u32) -> Place {
  let runs = (params.kernelWidth + RUN - 1u) / RUN;
  let blocks = (params.outChannels + BLOCK - 1u) / BLOCK;
  let length = BLOCK + params.inChannels * runs * params.kernelHeight * RUN * BLOCK;
  let block = i / length;
  let group = block / blocks;
  let at = i % length;
  let tap = (at - BLOCK) / BLOCK;
  let line = tap / RUN;
  let stripe = line / params.kernelHeight;
  let o = block % blocks * BLOCK + i % length % BLOCK;
  let kx = stripe % runs * RUN + tap % RUN;
  let isBias = at < BLOCK;
  return Place(group * params.outChannels + o, stripe / runs, line % params.kernelHeight, kx,
    o < params.outChannels && (isBias || kx < params.kernelWidth), isBias,
    group < params.networks * params.groups);
}

fn weightOf(p: Place) -> f32 {
  let plane = p.channel * params.inChannels + p.k;
  return weight[(plane * params.kernelHeight + p.ky) * params.kernelWidth + p.kx];
}

fn turnedWeightOf(p: Place) -> f32 {
  let group = p.channel / params.outChannels;
  let plane = (group * params.inChannels + p.k) * params.outChannels + p.channel % params.outChannels;
  let ky = params.kernelHeight - 1u - p.ky;
  return weight[(plane * params.kernelHeight + ky) * params.kernelWidth + params.kernelWidth - 1u - p.kx];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let p = placeOf(i);
  if (!p.exists) { return; }
  var value = 0.0;
  if (p.inside && !p.isBias) { value = weightOf(p); }
  packed[i] = value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forwardBias(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let p = placeOf(i);
  if (!p.exists) { return; }
  var value = 0.0;
  if (p.inside && p.isBias) { value = bias[p.channel]; }
  if (p.inside && !p.isBias) { value = weightOf(p); }
  packed[i] = value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn inputGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let p = placeOf(i);
  if (!p.exists) { return; }
  var value = 0.0;
  if (p.inside && !p.isBias) { value = turnedWeightOf(p); }
  packed[i] = value;
}
