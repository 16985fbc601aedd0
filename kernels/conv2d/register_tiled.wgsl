// conv2d, register-tiled: 2 rows of 8 outputs in 8 channels an invocation, in 8 mat4x4f accumulators.
//
//   forward         y[n,o,oy,ox] = bias[o] + sum over i,ky,kx of x[n,i,iy,ix] w[o,i,ky,kx]
//                                  with RELU: max(., 0)
//   forwardPooled   pooled = the largest of every 2 x 2 outputs, argmax = where it stands in its
//                   plane of y; with RELU: pooled = max(., 0), argmax = NOWHERE where that is 0
//
//   iy = oy stride + ky - padding, ix likewise; x is 0 outside its plane
//
// x       [networks, batch, inChannels, inHeight, inWidth], xStride apart, 0 if shared
// packed  the weights as pack.wgsl lays them out, [networks, blocks of 8 o, i, runs of 3 kx, ky, 3, 8]
// bias    [networks, outChannels]
// y       [networks, batch, outChannels, outHeight, outWidth]; pooled, argmax half as high and wide
//
// Launch: tiles of all images in a line along x, block of channels after block of channels, folded
// past 65,535 workgroups; z over the networks. One step is 3 taps of a kernel row: 10 numbers of one
// row of x (the row above was loaded the step before) and 6 vectors of weights for 384
// multiply-adds, as 8 products of a 3 x 4 block of weights and a 4 x 3 block of neighbors.
// Compute-bound on a processor. forwardPooled saves the trip of y to memory and back: max_pool's
// backward takes its argmax.
//
// UNIT_STRIDE = 1 promises stride 1. VECTORS = 2 or 4 promises stride 1, a kernel 3 wide, padding 1
// and a width that is a multiple of it: rows are then loaded, and with 4 stored, by whole vectors.
//
// Register blocking of direct convolution: Georganas et al. 2018, arXiv:1808.05567.

override VECTORS: u32 = 0u;
override RELU: u32 = 0u;
override UNIT_STRIDE: u32 = 0u;
override WORKGROUP_SIZE: u32 = 8u;
const TILE_ROWS = 2u;
const TILE_COLUMNS = 8u;
const BLOCK = 8u; // channels
const RUN = 3u;   // taps
const NOWHERE = 0xffffffffu; // as max_pool.wgsl has it

struct Params {
  networks: u32, xStride: u32, batch: u32,
  inChannels: u32, inHeight: u32, inWidth: u32,
  outChannels: u32, outHeight: u32, outWidth: u32,
  kernelHeight: u32, kernelWidth: u32, stride: u32, padding: u32
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> packed: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> pooled: array<f32>;
@group(0) @binding(5) var<storage, read_write> argmax: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

// Where the tile of an invocation stands.
struct Tile { image: u32, block: u32, row: u32, column: u32, inside: bool }

// What 4 + 4 neighboring outputs see of a source row through 3 taps, one output a column.
struct Windows { left: mat4x3f, right: mat4x3f }

// A row of the tile: left and right half, channels 0-3 and 4-7, one output a column.
struct Sums { left0: mat4x4f, left1: mat4x4f, right0: mat4x4f, right1: mat4x4f }

struct Accumulators { top: Sums, bottom: Sums }

fn blocksOf(channels: u32) -> u32 { return (channels + BLOCK - 1u) / BLOCK; }

fn tileOf(index: u32, channels: u32, height: u32, width: u32) -> Tile {
  let across = (width + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  let down = (height + TILE_ROWS - 1u) / TILE_ROWS;
  let line = index / across;
  let image = line / down;
  let block = image / params.batch;
  return Tile(image % params.batch, block, line % down * TILE_ROWS, index % across * TILE_COLUMNS,
    block < blocksOf(channels));
}

// Rows and columns below 0 wrap to huge numbers, so that one comparison finds both ends.
fn fromX(line: u32, column: u32, inside: bool) -> f32 {
  let here = inside && column < params.inWidth;
  let i = select(0u, line + column, here);
  return select(0.0, x[i / 4u][i % 4u], here);
}

// Ten numbers, the first at an odd place: `first`, which stands before v0, or in v0 if `half`.
fn tenOf(first: f32, v0: vec4f, v1: vec4f, v2: vec4f, half: bool, column: u32, width: u32) -> Windows {
  let a = select(vec4f(first, v0.xyz), vec4f(v0.yzw, v1.x), half);
  let b = select(vec4f(v0.w, v1.xyz), vec4f(v1.yzw, v2.x), half);
  let c = select(vec2f(v1.w, v2.x), v2.yz, half);
  let at = vec4u(column) + vec4u(0u, 1u, 2u, 3u);
  let end = vec4u(width);
  return windowsOf(select(vec4f(), a, at < end), select(vec4f(), b, at + 4u < end),
    select(vec2f(), c, at.xy + 8u < end.xy));
}

fn windowsOf(a: vec4f, b: vec4f, c: vec2f) -> Windows {
  return Windows(
    mat4x3f(a.xyz, a.yzw, vec3f(a.zw, b.x), vec3f(a.w, b.xy)),
    mat4x3f(b.xyz, b.yzw, vec3f(b.zw, c.x), vec3f(b.w, c.xy)));
}

fn threeOfX(line: u32, column: u32, inside: bool) -> vec3f {
  return vec3f(fromX(line, column, inside), fromX(line, column + 1u, inside),
    fromX(line, column + 2u, inside));
}

// A row of x for the outputs from `column` on, `plane` being where its plane starts.
fn windowsOfX(plane: u32, row: u32, column: u32) -> Windows {
  let line = plane + row * params.inWidth;
  let i = row < params.inHeight;
  if (VECTORS == 4u) {
    let inner = line + column + 1u; // a whole vector: column is one before a tile
    let left = select(0u, inner / 4u, i);
    let right = select(0u, inner / 4u + 1u, i && column + 5u < params.inWidth);
    let a = select(vec4f(), x[left], i);
    let b = select(vec4f(), x[right], i && column + 5u < params.inWidth);
    return windowsOf(vec4f(fromX(line, column, i), a.xyz), vec4f(a.w, b.xyz),
      vec2f(b.w, fromX(line, column + 9u, i)));
  }
  if (VECTORS == 2u) {
    let inner = line + column + 1u;
    let q = select(0u, inner / 4u, i);
    let r = select(0u, inner / 4u + 1u, i && column + 3u < params.inWidth);
    let s = select(0u, inner / 4u + 2u, i && column + 7u < params.inWidth);
    let width = select(0u, params.inWidth, i);
    return tenOf(fromX(line, column, i), x[q], x[r], x[s], inner % 4u != 0u, column, width);
  }
  if (UNIT_STRIDE == 1u) {
    return windowsOf(
      vec4f(fromX(line, column, i), fromX(line, column + 1u, i),
        fromX(line, column + 2u, i), fromX(line, column + 3u, i)),
      vec4f(fromX(line, column + 4u, i), fromX(line, column + 5u, i),
        fromX(line, column + 6u, i), fromX(line, column + 7u, i)),
      vec2f(fromX(line, column + 8u, i), fromX(line, column + 9u, i)));
  }
  let s = params.stride;
  return Windows(
    mat4x3f(threeOfX(line, column, i), threeOfX(line, column + s, i),
      threeOfX(line, column + 2u * s, i), threeOfX(line, column + 3u * s, i)),
    mat4x3f(threeOfX(line, column + 4u * s, i), threeOfX(line, column + 5u * s, i),
      threeOfX(line, column + 6u * s, i), threeOfX(line, column + 7u * s, i)));
}

fn add(s: Sums, row: Windows, w0: mat3x4f, w1: mat3x4f) -> Sums {
  return Sums(s.left0 + w0 * row.left, s.left1 + w1 * row.left,
    s.right0 + w0 * row.right, s.right1 + w1 * row.right);
}

fn biasOf(network: u32, channel: u32) -> vec4f {
  let last = params.outChannels - 1u;
  let start = network * params.outChannels;
  return vec4f(bias[start + min(channel, last)], bias[start + min(channel + 1u, last)],
    bias[start + min(channel + 2u, last)], bias[start + min(channel + 3u, last)]);
}

fn convolve(t: Tile, network: u32) -> Accumulators {
  let bias0 = biasOf(network, t.block * BLOCK);
  let bias4 = biasOf(network, t.block * BLOCK + 4u);
  let all0 = mat4x4f(bias0, bias0, bias0, bias0);
  let all4 = mat4x4f(bias4, bias4, bias4, bias4);
  let sums = Sums(all0, all4, all0, all4);
  var s = Accumulators(sums, sums);
  let runs = (params.kernelWidth + RUN - 1u) / RUN;
  let plane = params.inHeight * params.inWidth;
  let row = t.row * params.stride - params.padding;
  let column = t.column * params.stride - params.padding;
  var source = network * params.xStride + t.image * params.inChannels * plane;
  var w = (network * blocksOf(params.outChannels) + t.block) *
    params.inChannels * runs * params.kernelHeight * 6u;
  for (var k = 0u; k < params.inChannels; k++) {
    for (var run = 0u; run < runs; run++) {
      let start = column + run * RUN;
      var top = windowsOfX(source, row, start);
      for (var ky = 0u; ky < params.kernelHeight; ky++) {
        let bottom = windowsOfX(source, row + ky + params.stride, start);
        let w0 = mat3x4f(packed[w], packed[w + 2u], packed[w + 4u]);
        let w1 = mat3x4f(packed[w + 1u], packed[w + 3u], packed[w + 5u]);
        w += 6u;
        s = Accumulators(add(s.top, top, w0, w1), add(s.bottom, bottom, w0, w1));
        if (UNIT_STRIDE == 1u) { top = bottom; } else { top = windowsOfX(source, row + ky + 1u, start); }
      }
    }
    source += plane;
  }
  return s;
}

// Four neighboring outputs of one channel.
fn storeY(t: Tile, network: u32, channel: u32, row: u32, column: u32, values: vec4f) {
  if (channel >= params.outChannels || column >= params.outWidth) { return; }
  let plane = (network * params.batch + t.image) * params.outChannels + channel;
  let i = (plane * params.outHeight + row) * params.outWidth + column;
  let v = select(values, max(values, vec4f()), RELU == 1u);
  if (VECTORS == 4u) {
    y[i / 4u] = v;
    return;
  }
  y[i / 4u][i % 4u] = v.x;
  if (column + 1u < params.outWidth) { y[(i + 1u) / 4u][(i + 1u) % 4u] = v.y; }
  if (column + 2u < params.outWidth) { y[(i + 2u) / 4u][(i + 2u) % 4u] = v.z; }
  if (column + 3u < params.outWidth) { y[(i + 3u) / 4u][(i + 3u) % 4u] = v.w; }
}

fn storeBlockY(t: Tile, network: u32, four: u32, row: u32, column: u32, outputs: mat4x4f) {
  let channel = t.block * BLOCK + four;
  let byChannel = transpose(outputs);
  storeY(t, network, channel, row, column, byChannel[0]);
  storeY(t, network, channel + 1u, row, column, byChannel[1]);
  storeY(t, network, channel + 2u, row, column, byChannel[2]);
  storeY(t, network, channel + 3u, row, column, byChannel[3]);
}

fn storeRowY(t: Tile, network: u32, row: u32, s: Sums) {
  if (row >= params.outHeight) { return; }
  storeBlockY(t, network, 0u, row, t.column, s.left0);
  storeBlockY(t, network, 4u, row, t.column, s.left1);
  storeBlockY(t, network, 0u, row, t.column + 4u, s.right0);
  storeBlockY(t, network, 4u, row, t.column + 4u, s.right1);
}

// Two windows of 2 x 2 in four channels.
fn poolBlock(t: Tile, network: u32, four: u32, left: u32, top: mat4x4f, bottom: mat4x4f) {
  poolWindow(t, network, four, t.column + left, top[0], top[1], bottom[0], bottom[1]);
  poolWindow(t, network, four, t.column + left + 2u, top[2], top[3], bottom[2], bottom[3]);
}

// One window: its elements, one channel a component; the first of equals wins.
fn poolWindow(
  t: Tile, network: u32, four: u32, column: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f,
) {
  let row = t.row;
  let upper = max(a, b);
  let lower = max(c, d);
  let corner = row * params.outWidth + column;
  let above = select(vec4u(corner), vec4u(corner + 1u), b > a);
  let below = select(vec4u(corner), vec4u(corner + 1u), d > c) + params.outWidth;
  let best = max(upper, lower);
  let passes = vec4<bool>(RELU == 0u) | (best > vec4f());
  let values = select(vec4f(), best, passes);
  let places = select(vec4u(NOWHERE), select(above, below, lower > upper), passes);

  let height = params.outHeight / 2u;
  let width = params.outWidth / 2u;
  if (row / 2u >= height || column / 2u >= width) { return; }
  let channel = t.block * BLOCK + four;
  let plane = (network * params.batch + t.image) * params.outChannels + channel;
  let i = (plane * height + row / 2u) * width + column / 2u;
  storePooled(i, values.x, places.x, channel);
  storePooled(i + height * width, values.y, places.y, channel + 1u);
  storePooled(i + 2u * height * width, values.z, places.z, channel + 2u);
  storePooled(i + 3u * height * width, values.w, places.w, channel + 3u);
}

fn storePooled(i: u32, value: f32, place: u32, channel: u32) {
  if (channel >= params.outChannels) { return; }
  pooled[i] = value;
  argmax[i] = place;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let t = tileOf(index, params.outChannels, params.outHeight, params.outWidth);
  if (!t.inside) { return; }
  let s = convolve(t, id.z);
  storeRowY(t, id.z, t.row, s.top);
  storeRowY(t, id.z, t.row + 1u, s.bottom);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forwardPooled(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let t = tileOf(index, params.outChannels, params.outHeight, params.outWidth);
  if (!t.inside) { return; }
  let s = convolve(t, id.z);
  poolBlock(t, id.z, 0u, 0u, s.top.left0, s.bottom.left0);
  poolBlock(t, id.z, 4u, 0u, s.top.left1, s.bottom.left1);
  poolBlock(t, id.z, 0u, 4u, s.top.right0, s.bottom.right0);
  poolBlock(t, id.z, 4u, 4u, s.top.right1, s.bottom.right1);
}
