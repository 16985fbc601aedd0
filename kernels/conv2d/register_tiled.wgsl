// conv2d, register-tiled: 2 rows of 8 outputs in 8 channels an invocation, in 8 mat4x4f accumulators.
//
//   forward               y = bias + x (*) w, with RELU: max(., 0)
//   inputGradient        dx = dy, spread by the stride, (*) w turned by 180 degrees
//   inputGradientMasked  dx where mask > 0, else 0       (mask: output of the ReLU that made x)
//
// with (*) the correlation that naive.wgsl spells out, so that both directions are the same sum:
// out[c, row, column] = sum over k, ky, kx of source[k, row + ky, column + kx] w[k, ky, kx, c].
//
// x, dx, mask [networks, batch, inChannels, inHeight, inWidth]; x and mask are xStride apart from
// one network to the next, 0 where all share them
// y, dy       [networks, batch, outChannels, outHeight, outWidth]
// packed, turned: the weights as pack.wgsl lays them out, [networks, blocks of 8 channels c, k,
// runs of 3 kx, ky, 3, 8], zeros where the kernel or the channels end
//
// Launch: tiles of all images in a line along x, block of channels after block of channels, folded
// past 65,535 workgroups; z over the networks. One step is 3 taps of a kernel row: 10 numbers of one
// source row (the row above was loaded the step before) and 6 vectors of weights for 384
// multiply-adds, as 8 products of a 3 x 4 block of weights and a 4 x 3 block of neighbors.
// Compute-bound on a processor. UNIT_STRIDE = 1 promises stride 1.
//
// Register blocking of direct convolution: Georganas et al. 2018, arXiv:1808.05567.

override ALIGNED: u32 = 0u;
override RELU: u32 = 0u;
override UNIT_STRIDE: u32 = 0u;
override WORKGROUP_SIZE: u32 = 8u;
const TILE_ROWS = 2u;
const TILE_COLUMNS = 8u;
const BLOCK = 8u; // channels
const RUN = 3u;   // taps

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
@group(0) @binding(4) var<storage, read> dy: array<vec4f>;
@group(0) @binding(5) var<storage, read> turned: array<vec4f>;
@group(0) @binding(6) var<storage, read> mask: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<vec4f>;
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

fn fromDy(line: u32, column: u32, inside: bool) -> f32 {
  if (UNIT_STRIDE == 1u) {
    let here = inside && column < params.outWidth;
    let i = select(0u, line + column, here);
    return select(0.0, dy[i / 4u][i % 4u], here);
  }
  let at = column / params.stride;
  let here = inside && at < params.outWidth && at * params.stride == column;
  let i = select(0u, line + at, here);
  return select(0.0, dy[i / 4u][i % 4u], here);
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
  if (ALIGNED == 1u) {
    let inner = line + column + 1u; // a whole vector: column is one before a tile
    let left = select(0u, inner / 4u, i);
    let right = select(0u, inner / 4u + 1u, i && column + 5u < params.inWidth);
    let a = select(vec4f(), x[left], i);
    let b = select(vec4f(), x[right], i && column + 5u < params.inWidth);
    return windowsOf(vec4f(fromX(line, column, i), a.xyz), vec4f(a.w, b.xyz),
      vec2f(b.w, fromX(line, column + 9u, i)));
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

// A row of dy, spread by the stride with zeros between.
fn windowsOfDy(plane: u32, row: u32, column: u32) -> Windows {
  if (ALIGNED == 1u) {
    let line = plane + row * params.outWidth;
    let i = row < params.outHeight;
    let inner = line + column + 1u;
    let left = select(0u, inner / 4u, i);
    let right = select(0u, inner / 4u + 1u, i && column + 5u < params.outWidth);
    let a = select(vec4f(), dy[left], i);
    let b = select(vec4f(), dy[right], i && column + 5u < params.outWidth);
    return windowsOf(vec4f(fromDy(line, column, i), a.xyz), vec4f(a.w, b.xyz),
      vec2f(b.w, fromDy(line, column + 9u, i)));
  }
  var at = row;
  if (UNIT_STRIDE == 0u) { at = row / params.stride; }
  let line = plane + at * params.outWidth;
  let i = at < params.outHeight && (UNIT_STRIDE == 1u || at * params.stride == row);
  return windowsOf(
    vec4f(fromDy(line, column, i), fromDy(line, column + 1u, i),
      fromDy(line, column + 2u, i), fromDy(line, column + 3u, i)),
    vec4f(fromDy(line, column + 4u, i), fromDy(line, column + 5u, i),
      fromDy(line, column + 6u, i), fromDy(line, column + 7u, i)),
    vec2f(fromDy(line, column + 8u, i), fromDy(line, column + 9u, i)));
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

fn convolveX(t: Tile, network: u32) -> Accumulators {
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

fn convolveDy(t: Tile, network: u32) -> Accumulators {
  var s = Accumulators();
  let runs = (params.kernelWidth + RUN - 1u) / RUN;
  let plane = params.outHeight * params.outWidth;
  let row = t.row + params.padding - (params.kernelHeight - 1u);
  let column = t.column + params.padding - (params.kernelWidth - 1u);
  var source = (network * params.batch + t.image) * params.outChannels * plane;
  var w = (network * blocksOf(params.inChannels) + t.block) *
    params.outChannels * runs * params.kernelHeight * 6u;
  for (var k = 0u; k < params.outChannels; k++) {
    for (var run = 0u; run < runs; run++) {
      let start = column + run * RUN;
      var top = windowsOfDy(source, row, start);
      for (var ky = 0u; ky < params.kernelHeight; ky++) {
        let bottom = windowsOfDy(source, row + ky + 1u, start);
        let w0 = mat3x4f(turned[w], turned[w + 2u], turned[w + 4u]);
        let w1 = mat3x4f(turned[w + 1u], turned[w + 3u], turned[w + 5u]);
        w += 6u;
        s = Accumulators(add(s.top, top, w0, w1), add(s.bottom, bottom, w0, w1));
        top = bottom;
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
  if (ALIGNED == 1u) {
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

fn storeDx(t: Tile, network: u32, channel: u32, row: u32, column: u32, values: vec4f) {
  if (channel >= params.inChannels || column >= params.inWidth) { return; }
  let plane = (network * params.batch + t.image) * params.inChannels + channel;
  let i = (plane * params.inHeight + row) * params.inWidth + column;
  if (ALIGNED == 1u) {
    dx[i / 4u] = values;
    return;
  }
  dx[i / 4u][i % 4u] = values.x;
  if (column + 1u < params.inWidth) { dx[(i + 1u) / 4u][(i + 1u) % 4u] = values.y; }
  if (column + 2u < params.inWidth) { dx[(i + 2u) / 4u][(i + 2u) % 4u] = values.z; }
  if (column + 3u < params.inWidth) { dx[(i + 3u) / 4u][(i + 3u) % 4u] = values.w; }
}

fn storeBlockDx(t: Tile, network: u32, four: u32, row: u32, column: u32, outputs: mat4x4f) {
  let channel = t.block * BLOCK + four;
  let byChannel = transpose(outputs);
  storeDx(t, network, channel, row, column, byChannel[0]);
  storeDx(t, network, channel + 1u, row, column, byChannel[1]);
  storeDx(t, network, channel + 2u, row, column, byChannel[2]);
  storeDx(t, network, channel + 3u, row, column, byChannel[3]);
}

fn storeRowDx(t: Tile, network: u32, row: u32, s: Sums) {
  if (row >= params.inHeight) { return; }
  storeBlockDx(t, network, 0u, row, t.column, s.left0);
  storeBlockDx(t, network, 4u, row, t.column, s.left1);
  storeBlockDx(t, network, 0u, row, t.column + 4u, s.right0);
  storeBlockDx(t, network, 4u, row, t.column + 4u, s.right1);
}

// Beyond the end of the mask nothing is stored, so that any number will do there.
fn maskAt(i: u32, plane: u32) -> vec4f {
  let last = arrayLength(&mask) - 1u;
  return vec4f(mask[min(i, last)], mask[min(i + plane, last)], mask[min(i + 2u * plane, last)],
    mask[min(i + 3u * plane, last)]);
}

fn maskBlock(t: Tile, network: u32, four: u32, row: u32, column: u32, outputs: mat4x4f) -> mat4x4f {
  let plane = params.inHeight * params.inWidth;
  let channel = t.image * params.inChannels + t.block * BLOCK + four;
  let i = network * params.xStride + channel * plane + row * params.inWidth + column;
  let none = vec4f();
  return mat4x4f(
    select(none, outputs[0], maskAt(i, plane) > none),
    select(none, outputs[1], maskAt(i + 1u, plane) > none),
    select(none, outputs[2], maskAt(i + 2u, plane) > none),
    select(none, outputs[3], maskAt(i + 3u, plane) > none));
}

fn maskRow(t: Tile, network: u32, row: u32, s: Sums) -> Sums {
  return Sums(
    maskBlock(t, network, 0u, row, t.column, s.left0),
    maskBlock(t, network, 4u, row, t.column, s.left1),
    maskBlock(t, network, 0u, row, t.column + 4u, s.right0),
    maskBlock(t, network, 4u, row, t.column + 4u, s.right1));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let t = tileOf(index, params.outChannels, params.outHeight, params.outWidth);
  if (!t.inside) { return; }
  let s = convolveX(t, id.z);
  storeRowY(t, id.z, t.row, s.top);
  storeRowY(t, id.z, t.row + 1u, s.bottom);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn inputGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let t = tileOf(index, params.inChannels, params.inHeight, params.inWidth);
  if (!t.inside) { return; }
  let s = convolveDy(t, id.z);
  storeRowDx(t, id.z, t.row, s.top);
  storeRowDx(t, id.z, t.row + 1u, s.bottom);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn inputGradientMasked(
  @builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u,
) {
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let t = tileOf(index, params.inChannels, params.inHeight, params.inWidth);
  if (!t.inside) { return; }
  let s = convolveDy(t, id.z);
  storeRowDx(t, id.z, t.row, maskRow(t, id.z, t.row, s.top));
  storeRowDx(t, id.z, t.row + 1u, maskRow(t, id.z, t.row + 1u, s.bottom));
}
