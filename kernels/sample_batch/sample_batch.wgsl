// sample_batch: which training examples are in the current batch, and their labels.
//
// An epoch visits the examples in the order of a pseudo-random permutation of [0, count) that is
// computed where it is needed and stored nowhere: a Feistel cipher of `bits` bits (even, with
// 2^bits >= count), walked along its cycle until it lands below `count`. Its key comes from the
// seed of the network and the epoch.
//
//   epoch = clock / stepsPerEpoch,  first = (clock mod stepsPerEpoch) * batch
//   rows[p, i] = permutation(first + i; seeds[p], epoch),  batchLabels[p, i] = labels[rows[p, i]]
//
// clock [1], seeds [networks], labels [count], rows and batchLabels [networks, batch]
//
// One invocation per row; a few hundred integer operations each.
//
// Black and Rogaway 2002, Ciphers with Arbitrary Finite Domains, doi:10.1007/3-540-45760-7_9.

override WORKGROUP_SIZE: u32 = 64u;
const ROUNDS = 6u;

struct Params { networks: u32, batch: u32, count: u32, stepsPerEpoch: u32, bits: u32 }

@group(0) @binding(0) var<storage, read> clock: array<u32>;
@group(0) @binding(1) var<storage, read> seeds: array<u32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> rows: array<u32>;
@group(0) @binding(4) var<storage, read_write> batchLabels: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

fn hash(input: u32) -> u32 {
  let state = input * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

fn encipher(value: u32, key: u32) -> u32 {
  let half = params.bits / 2u;
  let mask = (1u << half) - 1u;
  var left = value >> half;
  var right = value & mask;
  for (var round = 0u; round < ROUNDS; round++) {
    let next = left ^ (hash(hash(right + (round << 16u)) ^ key) & mask);
    left = right;
    right = next;
  }
  return (left << half) | right;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn sample(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (i >= params.networks * params.batch) { return; }
  let now = clock[0];
  let key = hash(hash(seeds[i / params.batch]) + now / params.stepsPerEpoch);
  var row = (now % params.stepsPerEpoch) * params.batch + i % params.batch;
  loop {
    row = encipher(row, key);
    if (row < params.count) { break; }
  }
  rows[i] = row;
  batchLabels[i] = labels[row];
}
