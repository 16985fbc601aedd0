// training_clock: the end of a training step. Logs the mean loss of every network and counts.
//
//   lossLog[clock mod capacity, p] = mean over the batch of losses[p, .]
//   clock <- clock + 1
//
// losses [networks, batch], clock [1], lossLog [capacity, networks] (a ring, read rarely)
//
// One workgroup; every lane sums each 64th loss, then lane 0 adds the 64 sums in order, so the same
// losses give the same bits. Latency-bound.

override WORKGROUP_SIZE: u32 = 64u;

struct Params { networks: u32, batch: u32, capacity: u32 }

@group(0) @binding(0) var<storage, read> losses: array<f32>;
@group(0) @binding(1) var<storage, read_write> clock: array<u32>;
@group(0) @binding(2) var<storage, read_write> lossLog: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> sums: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn advance(@builtin(local_invocation_index) lane: u32) {
  let row = (clock[0] % params.capacity) * params.networks;
  for (var p = 0u; p < params.networks; p++) {
    var sum = 0.0;
    for (var i = lane; i < params.batch; i += WORKGROUP_SIZE) {
      sum += losses[p * params.batch + i];
    }
    sums[lane] = sum;
    workgroupBarrier();
    if (lane == 0u) {
      var total = 0.0;
      for (var i = 0u; i < WORKGROUP_SIZE; i++) { total += sums[i]; }
      lossLog[row + p] = total / f32(params.batch);
    }
    workgroupBarrier();
  }
  if (lane == 0u) { clock[0] += 1u; }
}
