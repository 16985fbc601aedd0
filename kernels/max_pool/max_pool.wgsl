// max_pool: the largest element of every window, and its gradient.
//
//   forward    y[plane, oy, ox] = max over ky, kx < size of x[plane, oy stride + ky, ox stride + kx]
//              argmax           = where it stands in its plane of x; the first of equals
//              with RELU: y = max(y, 0), and argmax = NOWHERE where y is 0
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
// LeCun et al. 1998, Gradient-based learning applied to document recognition, doi:10.1109/5.726791.

override RELU: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;
const NOWHERE = 0xffffffffu;

struct Params {
  planes: u32, inHeight: u32, inWidth: u32, outHeight: u32, outWidth: u32, size: u32, stride: u32
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> argmax: array<u32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read> positions: array<u32>; // argmax, read
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let line = i / params.outWidth;
  let plane = line / params.outHeight;
  if (plane >= params.planes) { return; }
  let start = plane * params.inHeight * params.inWidth;
  let corner = (line % params.outHeight * params.inWidth + i % params.outWidth) * params.stride;
  var best = x[start + corner];
  var at = corner;
  for (var ky = 0u; ky < params.size; ky++) {
    for (var kx = 0u; kx < params.size; kx++) {
      let here = corner + ky * params.inWidth + kx;
      let value = x[start + here];
      at = select(at, here, value > best);
      best = max(best, value);
    }
  }
  let passes = RELU == 0u || best > 0.0;
  y[i] = select(0.0, best, passes);
  argmax[i] = select(NOWHERE, at, passes);
}

// What the window at (oy, ox) sends to element `at` of its plane.
fn sent(plane: u32, oy: u32, ox: u32, at: u32) -> f32 {
  let o = (plane * params.outHeight + oy) * params.outWidth + ox;
  return select(0.0, dy[o], positions[o] == at);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
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
      dx[plane * params.inHeight * params.inWidth + at] = total;
    }
  }
}
