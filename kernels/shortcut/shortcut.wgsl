// shortcut: the parameter-free way around a block of a residual network that halves the image and has
// more channels (option A): every second row and column, and channels of zeros on both sides.
//
//   forward    y[i, pad + c, r, s] = x[i, c, 2 r, 2 s],   0 in the other channels
//   backward  dx[i, c, 2 r, 2 s] = dy[i, pad + c, r, s],  0 at odd rows and columns
//
// x, dx   [images, inChannels, inHeight, inWidth]
// y, dy   [images, outChannels, outHeight, outWidth],  outHeight = ceil(inHeight / 2), outWidth alike
//
// One invocation per vector of 4 elements that is written. FOURS = 1 promises that lines are whole vectors,
// outWidth % 4 = 0 and inWidth = 2 outWidth: then one for 4 vectors of a plane, which share what it takes to
// find the plane. Memory-bound.
//
// He et al. 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385, section 3.3.

override FOURS: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;

struct Params {
  images: u32,
  inChannels: u32, inHeight: u32, inWidth: u32,
  outChannels: u32, outHeight: u32, outWidth: u32,
  pad: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

// The line of x that a line of y is taken from, if `isCarried`.
struct Source { line: u32, isCarried: bool }

fn sourceOf(line: u32) -> Source {
  let plane = line / params.outHeight;
  let image = plane / params.outChannels;
  // wraps around to a large number below the first channel
  let channel = plane % params.outChannels - params.pad;
  let first = (image * params.inChannels + channel) * params.inHeight;
  let isCarried = channel < params.inChannels && image < params.images;
  return Source(first + 2u * (line % params.outHeight), isCarried);
}

fn carried(i: u32) -> f32 {
  let source = sourceOf(i / params.outWidth);
  if (!source.isCarried) { return 0.0; }
  let at = source.line * params.inWidth + 2u * (i % params.outWidth);
  return x[at / 4u][at % 4u];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (FOURS == 0u) {
    let first = 4u * i;
    if (first >= params.images * params.outChannels * params.outHeight * params.outWidth) { return; }
    y[i] = vec4f(carried(first), carried(first + 1u), carried(first + 2u), carried(first + 3u));
    return;
  }
  let width = params.outWidth / 4u;
  let vectors = params.outHeight * width;
  let across = (vectors + 3u) / 4u;
  let plane = i / across;
  if (plane >= params.images * params.outChannels) { return; }
  let source = sourceOf(plane * params.outHeight);
  let first = 4u * (i % across);
  for (var v = first; v < min(first + 4u, vectors); v++) {
    var value = vec4f();
    if (source.isCarried) {
      // every line of y skips a line of x, which is twice as long
      let at = source.line * 2u * width + 2u * (v + v / width * width);
      value = vec4f(x[at].xz, x[at + 1u].xz);
    }
    y[plane * vectors + v] = value;
  }
}

// The line of y that a line of x goes to; odd lines go nowhere.
fn targetOf(line: u32) -> u32 {
  let plane = line / params.inHeight;
  let image = plane / params.inChannels;
  let channel = params.pad + plane % params.inChannels;
  return (image * params.outChannels + channel) * params.outHeight + line % params.inHeight / 2u;
}

fn returned(i: u32) -> f32 {
  let line = i / params.inWidth;
  let column = i % params.inWidth;
  let isInside = line < params.images * params.inChannels * params.inHeight;
  if (!isInside || (((line % params.inHeight) | column) & 1u) == 1u) { return 0.0; }
  let at = targetOf(line) * params.outWidth + column / 2u;
  return dy[at / 2u][at % 2u];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (FOURS == 0u) {
    let first = 4u * i;
    if (first >= params.images * params.inChannels * params.inHeight * params.inWidth) { return; }
    dx[i] = vec4f(returned(first), returned(first + 1u), returned(first + 2u), returned(first + 3u));
    return;
  }
  let width = params.inWidth / 4u; // of a line of x in vectors, and of one of y in pairs
  let pairs = params.outHeight * width;
  let across = (pairs + 1u) / 2u;
  let plane = i / across;
  if (plane >= params.images * params.inChannels) { return; }
  let source = targetOf(plane * params.inHeight) * width;
  let start = plane * params.inHeight * width;
  let end = start + params.inHeight * width;
  let first = 2u * (i % across);
  for (var p = first; p < min(first + 2u, pairs); p++) {
    let value = dy[source + p];
    let at = start + p + p / width * width;
    dx[at] = vec4f(value.x, 0.0, value.y, 0.0);
    if (at + width < end) { dx[at + width] = vec4f(); }
  }
}
