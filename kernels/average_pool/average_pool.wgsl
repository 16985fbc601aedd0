// average_pool: the mean of every window, and its gradient.
//
//   forward    y[plane, oy, ox] = mean over ky < height, kx < width of
//                                 x[plane, oy stride + ky - padding, ox stride + kx - padding]
//                                 which is 0 outside x, and counts
//   backward  dx[i] = sum of dy / (height width) over the windows that i lies in
//
// x, dx   [planes, inHeight, inWidth], planes = networks * batch * channels
// y, dy   [planes, outHeight, outWidth]; floor mode: rows and columns that no window fills are left
//         out, their gradient is 0
//
// Launch: a line of invocations folded past 65,535 workgroups, one an output forward. Backward, one for
// 4 elements of dx, each of which gathers from its windows: no two invocations write the same vector and
// the order of sums is fixed. Memory-bound.
//
// WHOLE = 1 promises that the one window is the plane and the plane is whole vectors, as before the last
// layer of most networks: forward 4 vectors a step, backward one invocation for 4 vectors of a plane.
//
// HALVING = 1 promises windows of 2 x 2 that do not overlap and lines of y that are whole vectors: four
// windows an invocation, forward and back.
//
// LeCun et al. 1998, doi:10.1109/5.726791. Over whole planes: Lin et al. 2013, arXiv:1312.4400.

override WHOLE: u32 = 0u;
override HALVING: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;

struct Params {
  planes: u32, inHeight: u32, inWidth: u32, outHeight: u32, outWidth: u32,
  height: u32, width: u32, stride: u32, padding: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn sumOf(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

// The sum of a plane that begins at a vector.
fn sumOfPlane(start: u32) -> f32 {
  let end = start + params.inHeight * params.inWidth / 4u;
  var even = vec4f();
  var odd = vec4f();
  var v = start;
  for (; v + 3u < end; v += 4u) {
    even += x[v] + x[v + 2u];
    odd += x[v + 1u] + x[v + 3u];
  }
  for (; v < end; v++) { even += x[v]; }
  return sumOf(even + odd);
}

// The positions of x in window `o` of `size`: from the first to behind the last. No window is all padding.
fn insideOf(o: u32, size: u32, count: u32) -> vec2u {
  let start = o * params.stride;
  let end = min(start + size, params.padding + count);
  return vec2u(max(start, params.padding), end) - params.padding;
}

fn sumOfWindow(plane: u32, oy: u32, ox: u32) -> f32 {
  let rows = insideOf(oy, params.height, params.inHeight);
  let columns = insideOf(ox, params.width, params.inWidth);
  var sum = 0.0;
  for (var row = rows.x; row < rows.y; row++) {
    let start = (plane * params.inHeight + row) * params.inWidth;
    for (var i = start + columns.x; i < start + columns.y; i++) { sum += x[i / 4u][i % 4u]; }
  }
  return sum;
}

// Where four windows of a line begin in x, in vectors; their second line is `below` vectors further.
struct Four { corner: u32, below: u32, inside: bool }

fn fourAt(i: u32) -> Four {
  let across = params.outWidth / 4u;
  let line = i / across;
  let below = params.inWidth / 4u;
  let inside = line < params.planes * params.outHeight;
  return Four(2u * line * below + i % across * 2u, below, inside);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (HALVING == 1u) {
    let four = fourAt(i);
    if (!four.inside) { return; }
    let left = x[four.corner] + x[four.corner + four.below];
    let right = x[four.corner + 1u] + x[four.corner + four.below + 1u];
    let means = 0.25 * vec4f(left.xz + left.yw, right.xz + right.yw);
    y[4u * i] = means.x;
    y[4u * i + 1u] = means.y;
    y[4u * i + 2u] = means.z;
    y[4u * i + 3u] = means.w;
    return;
  }
  let line = i / params.outWidth;
  let plane = line / params.outHeight;
  if (plane >= params.planes) { return; }
  let share = 1.0 / f32(params.height * params.width);
  if (WHOLE == 1u) {
    y[i] = sumOfPlane(plane * params.inHeight * params.inWidth / 4u) * share;
    return;
  }
  y[i] = sumOfWindow(plane, line % params.outHeight, i % params.outWidth) * share;
}

// The windows of `size` that position `at` of padded lines lies in: from the first to the last, which may be before it.
fn windowsOf(at: u32, size: u32, count: u32) -> vec2u {
  let first = (max(at + 1u, size) - size + params.stride - 1u) / params.stride;
  return vec2u(first, min(at / params.stride + 1u, count));
}

// What the windows send to one element of dx, times their size.
fn gathered(i: u32) -> f32 {
  let line = i / params.inWidth;
  let plane = line / params.inHeight;
  if (plane >= params.planes) { return 0.0; }
  let rows = windowsOf(line % params.inHeight + params.padding, params.height, params.outHeight);
  let columns = windowsOf(i % params.inWidth + params.padding, params.width, params.outWidth);
  var sum = 0.0;
  for (var oy = rows.x; oy < rows.y; oy++) {
    let start = (plane * params.outHeight + oy) * params.outWidth;
    for (var ox = columns.x; ox < columns.y; ox++) { sum += dy[start + ox]; }
  }
  return sum;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (HALVING == 1u) {
    let four = fourAt(i);
    if (!four.inside) { return; }
    let left = 0.25 * vec2f(dy[4u * i], dy[4u * i + 1u]);
    let right = 0.25 * vec2f(dy[4u * i + 2u], dy[4u * i + 3u]);
    dx[four.corner] = left.xxyy;
    dx[four.corner + 1u] = right.xxyy;
    dx[four.corner + four.below] = left.xxyy;
    dx[four.corner + four.below + 1u] = right.xxyy;
    return;
  }
  let share = 1.0 / f32(params.height * params.width);
  let plane = params.inHeight * params.inWidth;
  if (WHOLE == 0u) {
    if (4u * i >= params.planes * plane) { return; }
    let first = 4u * i;
    dx[i] = share *
      vec4f(gathered(first), gathered(first + 1u), gathered(first + 2u), gathered(first + 3u));
    return;
  }
  let vectors = plane / 4u;
  let step = (vectors + 3u) / 4u; // of up to four vectors, `step` apart
  let at = i / step;
  let lane = i % step;
  if (at >= params.planes) { return; }
  let value = vec4f(dy[at] * share);
  let first = at * vectors + lane;
  dx[first] = value;
  if (lane + step < vectors) { dx[first + step] = value; }
  if (lane + 2u * step < vectors) { dx[first + 2u * step] = value; }
  if (lane + 3u * step < vectors) { dx[first + 3u * step] = value; }
}
