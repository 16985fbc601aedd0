// batch_norm, statistics: mean and variance of every channel of a batch.
//
//   moments      mean and squares sum((x - mean)^2) of one part of a channel
//   statistics   mean, variance = squares / n of a channel from its parts, n = batch plane; in place:
//                runningMean     = (1 - momentum) runningMean     + momentum mean
//                runningVariance = (1 - momentum) runningVariance + momentum squares / (n - 1)
//
// x                     [networks, batch, channels, plane], plane = height * width
// mean, variance, ...   [networks, channels]
// partial...            [parts, networks, channels], parts = lanes * ceil(batch / images)
//
// Nothing cancels: 16 elements give a mean and squares around it, and these are merged by Chan's
// formula, all minus the channel's first element so that a far mean costs no digits. The order is
// fixed: the same input gives the same bits.
//
// Launch: moments, an invocation a part, one of `lanes` that share the planes of `images` images of a
// channel. statistics, a workgroup of LANES a channel, a tree. FOURS = 1 promises whole vectors,
// plane % 4 = 0; else elements are taken one by one. Memory-bound: x is read once.
//
// Ioffe and Szegedy 2015, arXiv:1502.03167; Chan, Golub and LeVeque 1983, doi:10.1080/00031305.1983.10483115.

override FOURS: u32 = 0u;
override LANES: u32 = 8u;
override WORKGROUP_SIZE: u32 = 64u;

struct Params {
  networks: u32, batch: u32, channels: u32, plane: u32, lanes: u32, images: u32,
  momentum: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> partialMeanOut: array<f32>;
@group(0) @binding(2) var<storage, read_write> partialSquaresOut: array<f32>;
@group(0) @binding(3) var<storage, read> partialMean: array<f32>;
@group(0) @binding(4) var<storage, read> partialSquares: array<f32>;
@group(0) @binding(5) var<storage, read_write> runningMean: array<f32>;
@group(0) @binding(6) var<storage, read_write> runningVariance: array<f32>;
@group(0) @binding(7) var<storage, read_write> meanOut: array<f32>;
@group(0) @binding(8) var<storage, read_write> varianceOut: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn elementOfX(i: u32) -> f32 { return x[i / 4u][i % 4u]; }

fn sumOf(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

// A part of a channel: the images from `first` to `end`, every element or vector that `lane` has of them.
struct Part { channel: u32, lane: u32, first: u32, end: u32, output: u32, inside: bool }

fn partOf(id: vec3u) -> Part {
  let within = id.x / params.lanes;
  let lane = id.x % params.lanes;
  let channel = id.z * params.channels + within;
  let first = id.y * params.images;
  let end = min(first + params.images, params.batch);
  let output = (id.y * params.lanes + lane) * params.networks * params.channels + channel;
  let images = id.z * params.batch;
  return Part(channel, lane, images + first, images + end, output, within < params.channels);
}

// Where the plane of a channel starts, in elements or, divided by 4, in vectors.
fn planeAt(image: u32, channel: u32, size: u32) -> u32 {
  return (image * params.channels + channel % params.channels) * size;
}

// The channel's first element, that all its moments are taken minus.
fn originOf(channel: u32) -> f32 {
  return elementOfX(planeAt(channel / params.channels * params.batch, channel, params.plane));
}

// Of some numbers: how many they are, their mean, and the sum of squared distances from it.
struct Moments { count: f32, mean: f32, squares: f32 }

fn merged(a: Moments, b: Moments) -> Moments {
  let count = a.count + b.count;
  let share = b.count / max(count, 1.0);
  let apart = b.mean - a.mean;
  let squares = a.squares + (b.squares + apart * apart * a.count * share);
  return Moments(count, a.mean + apart * share, squares);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn moments(@builtin(global_invocation_id) id: vec3u) {
  let part = partOf(id);
  if (!part.inside) { return; }
  let origin = originOf(part.channel);
  var total = Moments();
  if (FOURS == 0u) {
    for (var image = part.first; image < part.end; image++) {
      let start = planeAt(image, part.channel, params.plane);
      for (var i = part.lane; i < params.plane; i += params.lanes) {
        total = merged(total, Moments(1.0, elementOfX(start + i) - origin, 0.0));
      }
    }
  } else {
    let vectors = params.plane / 4u;
    let step = params.lanes;
    for (var image = part.first; image < part.end; image++) {
      let start = planeAt(image, part.channel, vectors);
      var v = part.lane;
      for (; v + 3u * step < vectors; v += 4u * step) {
        let a = x[start + v] - origin;
        let b = x[start + v + step] - origin;
        let c = x[start + v + 2u * step] - origin;
        let d = x[start + v + 3u * step] - origin;
        let mean = sumOf((a + b) + (c + d)) / 16.0;
        let squares = (a - mean) * (a - mean) + (b - mean) * (b - mean) +
          ((c - mean) * (c - mean) + (d - mean) * (d - mean));
        total = merged(total, Moments(16.0, mean, sumOf(squares)));
      }
      for (; v < vectors; v += step) {
        let a = x[start + v] - origin;
        let mean = sumOf(a) / 4.0;
        total = merged(total, Moments(4.0, mean, sumOf((a - mean) * (a - mean))));
      }
    }
  }
  partialMeanOut[part.output] = total.mean + origin;
  partialSquaresOut[part.output] = total.squares;
}

// How many elements part `k` of every channel holds.
fn countOf(k: u32) -> f32 {
  let first = k / params.lanes * params.images;
  let images = min(params.images, params.batch - first);
  let unit = select(1u, 4u, FOURS == 1u);
  let units = (params.plane / unit - k % params.lanes + params.lanes - 1u) / params.lanes;
  return f32(images * units * unit);
}

fn partsOf() -> u32 {
  return params.lanes * ((params.batch + params.images - 1u) / params.images);
}

var<workgroup> momentsOf: array<Moments, LANES>;

@compute @workgroup_size(LANES)
fn statistics(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
              @builtin(local_invocation_index) lane: u32) {
  let channels = params.networks * params.channels;
  let channel = min(group.y * groups.x + group.x, channels - 1u); // the last row may be too long
  let origin = originOf(channel);
  var total = Moments();
  for (var k = lane; k < partsOf(); k += LANES) {
    let i = k * channels + channel;
    total = merged(total, Moments(countOf(k), partialMean[i] - origin, partialSquares[i]));
  }
  momentsOf[lane] = total;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { momentsOf[lane] = merged(momentsOf[lane], momentsOf[lane + half]); }
    workgroupBarrier();
  }
  if (lane > 0u || group.y * groups.x + group.x >= channels) { return; }
  let all = momentsOf[0];
  let found = all.mean + origin;
  let kept = 1.0 - params.momentum;
  let unbiased = all.squares / max(all.count - 1.0, 1.0);
  meanOut[channel] = found;
  varianceOut[channel] = all.squares / all.count;
  runningMean[channel] = kept * runningMean[channel] + params.momentum * found;
  runningVariance[channel] = kept * runningVariance[channel] + params.momentum * unbiased;
}
