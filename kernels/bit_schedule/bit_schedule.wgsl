// bit_schedule: the bit-width of this training step, lowered one bit at a time from `widest` to `bits`.
//
//   now     = max(bits, widest - floor(clock / length)),  length = floor(steps / (widest - bits + 1))
//   limits  = (-2^(now - 1), 2^(now - 1) - 1) where qMin is below 0, else (0, 2^now - 1)
//   step   *= sqrt(old qMax / new qMax)      when they change, as the initial step 2 mean|x| / sqrt(qMax)
//
// clock  u32 [1]: training steps done
// limits [channels] of (qMin, qMax), step [channels]; both are what the checkpoint holds, so a resumed
// training finds itself where it was.
//
// One invocation a channel; latency-bound.
//
// Zhuang et al. 2018, arXiv:1711.00205 (progressive quantization).

override WORKGROUP_SIZE: u32 = 64u;

struct Params { channels: u32, widest: u32, bits: u32, steps: u32 }

@group(0) @binding(0) var<storage, read> clock: array<u32>;
@group(0) @binding(1) var<storage, read_write> limits: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> step: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn lower(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (c >= params.channels) { return; }
  let stages = params.widest - params.bits + 1u;
  let length = max(params.steps / stages, 1u);
  let now = max(params.widest - min(clock[0] / length, params.widest), params.bits);
  var next = vec2f(0.0, f32((1u << now) - 1u));
  let before = limits[c];
  if (before.x < 0.0) {
    let half = f32(1u << (now - 1u));
    next = vec2f(-half, half - 1.0);
  }
  limits[c] = next;
  // nothing to do on most steps: then not a bit of the step changes
  if (before.y != next.y) { step[c] = step[c] * sqrt(before.y / next.y); }
}
