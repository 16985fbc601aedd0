// batch_norm: every channel brought to mean 0 and variance 1, then scaled and shifted, and its gradient.
//
//   forward        y = weight xhat + bias, xhat = (x - mean) r, r = 1 / sqrt(variance + epsilon)
//                  with SHORTCUT: y += shortcut; then with RELU: y = max(y, 0)
//   gradientSums   dBias = sum(d), dWeight = sum(d xhat) of one part of a channel,
//                  d = dy, with RELU where activated > 0, else 0
//   gradients      dWeight and dBias of a channel from its parts, slopes = (dBias, dWeight r) / n
//   inputGradient  dx = weight r (d - dBias / n - xhat dWeight / n), n = batch plane
//                  with FROZEN, where mean and variance do not depend on x: dx = weight r d
//
// x, y, dy, dx, shortcut, activated   [networks, batch, channels, plane], plane = height * width
// weight, bias, mean, variance, ...   [networks, channels]; running statistics give inference
// partial...                          [parts, networks, channels], parts = lanes * ceil(batch / images)
//
// Launch: forward and inputGradient, an invocation for 4 vectors of a plane. gradientSums, an
// invocation a part, one of `lanes` that share the planes of `images` images of a channel. gradients, a
// workgroup of LANES a channel, a tree: the order of sums is fixed. FOURS = 1 promises whole vectors,
// plane % 4 = 0; else elements are taken one by one and stored in fours. Memory-bound.
//
// Ioffe and Szegedy 2015, arXiv:1502.03167.

override FOURS: u32 = 0u;
override RELU: u32 = 0u;
override SHORTCUT: u32 = 0u;
override FROZEN: u32 = 0u;
override LANES: u32 = 8u;
override WORKGROUP_SIZE: u32 = 64u;

struct Params {
  networks: u32, batch: u32, channels: u32, plane: u32, lanes: u32, images: u32, epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> variance: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> shortcut: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(7) var<storage, read> dy: array<vec4f>;
@group(0) @binding(8) var<storage, read> activated: array<vec4f>; // y of the forward pass
@group(0) @binding(9) var<storage, read_write> partialWeightOut: array<f32>;
@group(0) @binding(10) var<storage, read_write> partialBiasOut: array<f32>;
@group(0) @binding(11) var<storage, read> partialWeight: array<f32>;
@group(0) @binding(12) var<storage, read> partialBias: array<f32>;
@group(0) @binding(13) var<storage, read_write> dWeight: array<f32>;
@group(0) @binding(14) var<storage, read_write> dBias: array<f32>;
@group(0) @binding(15) var<storage, read_write> slopesOut: array<vec2f>;
@group(0) @binding(16) var<storage, read> slopes: array<vec2f>;
@group(0) @binding(17) var<storage, read_write> dx: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn sumOf(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

// 1 / standard deviation.
fn precisionOf(channel: u32) -> f32 { return inverseSqrt(variance[channel] + params.epsilon); }

fn scaleOf(channel: u32) -> f32 { return weight[channel] * precisionOf(channel); }

// What the ReLU lets through of four elements of dy.
fn passedAt(i: u32) -> vec4f {
  if (RELU == 0u) { return dy[i]; }
  return select(vec4f(), dy[i], activated[i] > vec4f());
}

// Where the plane of a channel starts, in elements or, divided by 4, in vectors.
fn planeAt(image: u32, channel: u32, size: u32) -> u32 {
  return (image * params.channels + channel % params.channels) * size;
}

// Up to four vectors of a plane, `step` apart, of which `left` vectors are left; `channel` counts the
// channels of all networks. Eight neighbors share 32 vectors: one stretch of memory for each of them.
struct Run { channel: u32, first: u32, step: u32, left: u32 }

fn runOf(id: vec3u) -> Run {
  let vectors = params.plane / 4u;
  let isLong = vectors >= 32u;
  let step = select((vectors + 3u) / 4u, 8u, isLong);
  let across = select(step, (vectors + 31u) / 32u * 8u, isLong);
  let within = id.x / across;
  let lane = id.x - within * across;
  let at = select(lane, lane / 8u * 32u + lane % 8u, isLong);
  let image = id.z * params.batch + id.y;
  let left = select(0u, vectors - min(at, vectors), within < params.channels);
  let first = (image * params.channels + within) * vectors + at;
  return Run(id.z * params.channels + within, first, step, left);
}

// The channels of four neighboring elements, where planes are not whole vectors.
fn channelsOf(vector: u32) -> vec4u {
  let planes = (4u * vector + vec4u(0u, 1u, 2u, 3u)) / params.plane;
  let networks = planes / (params.batch * params.channels);
  let channels = networks * params.channels + planes % params.channels;
  return min(channels, vec4u(params.networks * params.channels - 1u)); // padding has none
}

fn vectorsOfAll() -> u32 {
  return (params.networks * params.batch * params.channels * params.plane + 3u) / 4u;
}

// max(v, 0), but NaN stays NaN.
fn rectified(v: vec4f) -> vec4f {
  let isNaN = (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return select(max(v, vec4f()), v, isNaN);
}

fn normalize(i: u32, centers: vec4f, scales: vec4f, shifts: vec4f) {
  var value = (x[i] - centers) * scales + shifts;
  if (SHORTCUT == 1u) { value += shortcut[i]; }
  if (RELU == 1u) { value = rectified(value); }
  y[i] = value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  if (FOURS == 1u) {
    let run = runOf(id);
    if (run.left == 0u) { return; }
    let center = vec4f(mean[run.channel]);
    let scale = vec4f(scaleOf(run.channel));
    let shift = vec4f(bias[run.channel]);
    normalize(run.first, center, scale, shift);
    if (run.left > run.step) { normalize(run.first + run.step, center, scale, shift); }
    if (run.left > 2u * run.step) { normalize(run.first + 2u * run.step, center, scale, shift); }
    if (run.left > 3u * run.step) { normalize(run.first + 3u * run.step, center, scale, shift); }
    return;
  }
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (i >= vectorsOfAll()) { return; }
  let c = channelsOf(i);
  let centers = vec4f(mean[c.x], mean[c.y], mean[c.z], mean[c.w]);
  let scales = vec4f(scaleOf(c.x), scaleOf(c.y), scaleOf(c.z), scaleOf(c.w));
  normalize(i, centers, scales, vec4f(bias[c.x], bias[c.y], bias[c.z], bias[c.w]));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn gradientSums(@builtin(global_invocation_id) id: vec3u) {
  let within = id.x / params.lanes;
  let lane = id.x % params.lanes;
  if (within >= params.channels) { return; }
  let channel = id.z * params.channels + within;
  let center = mean[channel];
  var ofBias = vec4f();
  var ofWeight = vec4f();
  let size = select(params.plane, params.plane / 4u, FOURS == 1u);
  let end = min((id.y + 1u) * params.images, params.batch);
  for (var image = id.y * params.images; image < end; image++) {
    let start = planeAt(id.z * params.batch + image, channel, size);
    for (var v = start + lane; v < start + size; v += params.lanes) {
      if (FOURS == 1u) {
        let d = passedAt(v);
        ofBias += d;
        ofWeight += d * (x[v] - center);
      } else {
        let d = passedAt(v / 4u)[v % 4u];
        ofBias.x += d;
        ofWeight.x += d * (x[v / 4u][v % 4u] - center);
      }
    }
  }
  let output = (id.y * params.lanes + lane) * params.networks * params.channels + channel;
  partialBiasOut[output] = sumOf(ofBias);
  partialWeightOut[output] = sumOf(ofWeight) * precisionOf(channel);
}

var<workgroup> sumsOf: array<vec2f, LANES>;

@compute @workgroup_size(LANES)
fn gradients(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
             @builtin(local_invocation_index) lane: u32) {
  let channels = params.networks * params.channels;
  let channel = group.y * groups.x + group.x;
  let parts = params.lanes * ((params.batch + params.images - 1u) / params.images);
  var total = vec2f();
  for (var k = lane; k < parts; k += LANES) {
    let i = min(k * channels + channel, parts * channels - 1u); // the last row may be too long
    total += vec2f(partialBias[i], partialWeight[i]);
  }
  sumsOf[lane] = total;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { sumsOf[lane] += sumsOf[lane + half]; }
    workgroupBarrier();
  }
  if (lane > 0u || channel >= channels) { return; }
  let sums = sumsOf[0];
  dBias[channel] = sums.x;
  dWeight[channel] = sums.y;
  slopesOut[channel] = sums * vec2f(1.0, precisionOf(channel)) / f32(params.batch * params.plane);
}

fn differentiate(i: u32, centers: vec4f, scales: vec4f, offsets: vec4f, tilts: vec4f) {
  var d = passedAt(i);
  if (FROZEN == 0u) { d -= offsets + (x[i] - centers) * tilts; }
  dx[i] = scales * d;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn inputGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  if (FOURS == 1u) {
    let run = runOf(id);
    if (run.left == 0u) { return; }
    let center = vec4f(mean[run.channel]);
    let scale = vec4f(scaleOf(run.channel));
    let slope = slopes[run.channel];
    let offset = vec4f(slope.x);
    let tilt = vec4f(slope.y);
    differentiate(run.first, center, scale, offset, tilt);
    if (run.left > run.step) { differentiate(run.first + run.step, center, scale, offset, tilt); }
    if (run.left > 2u * run.step) { differentiate(run.first + 2u * run.step, center, scale, offset, tilt); }
    if (run.left > 3u * run.step) { differentiate(run.first + 3u * run.step, center, scale, offset, tilt); }
    return;
  }
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (i >= vectorsOfAll()) { return; }
  let c = channelsOf(i);
  let centers = vec4f(mean[c.x], mean[c.y], mean[c.z], mean[c.w]);
  let scales = vec4f(scaleOf(c.x), scaleOf(c.y), scaleOf(c.z), scaleOf(c.w));
  let ab = vec4f(slopes[c.x], slopes[c.y]);
  let cd = vec4f(slopes[c.z], slopes[c.w]);
  differentiate(i, centers, scales, vec4f(ab.xz, cd.xz), vec4f(ab.yw, cd.yw));
}
