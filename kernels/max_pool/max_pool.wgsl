// max_pool: the largest element of every window, and its gradient.
//
//   forward    y[plane, oy, ox] = max over ky, kx < size of x[plane, oy stride + ky, ox stride + kx]
//              argmax           = where it stands in its plane of x; the first of equals
//              with RELU: y = max(y, 0), and argmax = NOWHERE where y is 0
//              y is NaN where an element of the window is
//   backward   dx[i] = sum of dy over the windows whose argmax is i
//
// A ReLU before the pooling and one after it are the same function, and NOWHERE is all that its
// gradient needs: RELU = 1 serves both, and makes a pass over the larger tensor unnecessary.
//
// x, dx           [planes, inHeight, inWidth], planes = networks * batch * channels
// y, dy, argmax   [planes, outHeight, outWidth]; floor mode: rows and columns that no window fills
//                 are left out, their gradient is 0
//
// Launch: a line of invocations folded past 65,535 workgroups, one an output forward. Backward, one
// for each stride x stride cell of dx: it gathers from the windows that overlap it, so that no two
// invocations write the same element and the order of sums is fixed. Memory-bound.
//
// HALVING = 1 promises size 2, stride 2 and even sides, the usual case: four windows of a line an
// invocation, their elements in pairs.
//
// LeCun et al. 1998, Gradient-based learning applied to document recognition, doi:10.1109/5.726791.

override HALVING: u32 = 0u;
override RELU: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;
const NOWHERE = 0xffffffffu;

struct Params {
  planes: u32, inHeight: u32, inWidth: u32, outHeight: u32, outWidth: u32, size: u32, stride: u32
}

@group(0) @binding(0) var<storage, read> x: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> argmax: array<u32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read> positions: array<u32>; // argmax, read
@group(0) @binding(5) var<storage, read_write> dx: array<vec2f>;
@group(1) @binding(0) var<uniform> params: Params;

// Four windows of a line: the first of them, its upper left element, and how many there are.
struct Four { window: u32, corner: u32, start: u32, count: u32 }

fn fourAt(i: u32) -> Four {
  let across = (params.outWidth + 3u) / 4u;
  let line = i / across;
  let ox = i % across * 4u;
  let plane = line / params.outHeight;
  let corner = line % params.outHeight * 2u * params.inWidth + 2u * ox;
  let count = select(0u, min(4u, params.outWidth - ox), plane < params.planes);
  return Four(line * params.outWidth + ox, corner, plane * params.inHeight * params.inWidth, count);
}

// Bits order as magnitudes do, with NaN above all.
fn magnitudeBits(value: f32) -> u32 { return bitcast<u32>(value) & 0x7fffffffu; }

// What a window comes to, given the largest of its magnitudes as bits.
fn store(window: u32, best: f32, at: u32, largest: u32) {
  let passes = RELU == 0u || best > 0.0;
  y[window] = select(select(0.0, best, passes), bitcast<f32>(largest), largest > 0x7f800000u);
  argmax[window] = select(NOWHERE, at, passes);
}

fn halve(four: Four, w: u32) {
  if (w >= four.count) { return; }
  let corner = four.corner + 2u * w;
  let top = x[(four.start + corner) / 2u];
  let bottom = x[(four.start + corner + params.inWidth) / 2u];
  let upper = max(top.x, top.y);
  let lower = max(bottom.x, bottom.y);
  let above = corner + select(0u, 1u, top.y > top.x);
  let below = corner + params.inWidth + select(0u, 1u, bottom.y > bottom.x);
  let largest = max(max(magnitudeBits(top.x), magnitudeBits(top.y)),
    max(magnitudeBits(bottom.x), magnitudeBits(bottom.y)));
  store(four.window + w, max(upper, lower), select(above, below, lower > upper), largest);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (HALVING == 1u) {
    let four = fourAt(i);
    halve(four, 0u);
    halve(four, 1u);
    halve(four, 2u);
    halve(four, 3u);
    return;
  }
  let line = i / params.outWidth;
  let plane = line / params.outHeight;
  if (plane >= params.planes) { return; }
  let start = plane * params.inHeight * params.inWidth;
  let corner = (line % params.outHeight * params.inWidth + i % params.outWidth) * params.stride;
  var at = corner;
  var best = elementOfX(start + corner);
  var largest = 0u;
  for (var ky = 0u; ky < params.size; ky++) {
    for (var kx = 0u; kx < params.size; kx++) {
      let here = corner + ky * params.inWidth + kx;
      let value = elementOfX(start + here);
      at = select(at, here, value > best);
      best = max(best, value);
      largest = max(largest, magnitudeBits(value));
    }
  }
  store(i, best, at, largest);
}

fn elementOfX(i: u32) -> f32 { return x[i / 2u][i % 2u]; }

// What window `w` of four sends to its elements.
fn spread(four: Four, w: u32) {
  if (w >= four.count) { return; }
  let corner = four.corner + 2u * w;
  let at = positions[four.window + w];
  let value = vec2f(dy[four.window + w]);
  let columns = vec2u(corner, corner + 1u);
  let i = (four.start + corner) / 2u;
  dx[i] = select(vec2f(), value, columns == vec2u(at));
  dx[i + params.inWidth / 2u] = select(vec2f(), value, columns + params.inWidth == vec2u(at));
}

// What the window at (oy, ox) sends to element `at` of its plane.
fn sent(plane: u32, oy: u32, ox: u32, at: u32) -> f32 {
  let o = (plane * params.outHeight + oy) * params.outWidth + ox;
  return select(0.0, dy[o], positions[o] == at);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (HALVING == 1u) {
    let four = fourAt(i);
    spread(four, 0u);
    spread(four, 1u);
    spread(four, 2u);
    spread(four, 3u);
    return;
  }
  let across = (params.inWidth + params.stride - 1u) / params.stride;
  let down = (params.inHeight + params.stride - 1u) / params.stride;
  let line = i / across;
  let plane = line / down;
  if (plane >= params.planes) { return; }
  let top = line % down;
  let left = i % across;
  // windows that start here or up to `reach` cells before reach into this cell
  let reach = (params.size - 1u) / params.stride;
  let firstY = top - min(top, reach);
  let firstX = left - min(left, reach);
  for (var row = top * params.stride; row < min((top + 1u) * params.stride, params.inHeight); row++) {
    for (var column = left * params.stride;
      column < min((left + 1u) * params.stride, params.inWidth); column++) {
      let at = row * params.inWidth + column;
      var total = 0.0;
      for (var oy = firstY; oy <= min(top, params.outHeight - 1u); oy++) {
        for (var ox = firstX; ox <= min(left, params.outWidth - 1u); ox++) {
          total += sent(plane, oy, ox, at);
        }
      }
      let to = plane * params.inHeight * params.inWidth + at;
      dx[to / 2u][to % 2u] = total;
    }
  }
}
