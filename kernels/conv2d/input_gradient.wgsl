// conv2d, register-tiled: the gradient to the input, as a convolution of dy with the weights turned.
//
//   inputGradient        dx[n,i,iy,ix] = sum over o,ky,kx of dy[n,o,oy,ox] w[o,i,ky,kx]
//                        where oy stride + ky - padding = iy, ox likewise
//   inputGradientMasked  dx where mask > 0, else 0    (mask: output of the ReLU that made x)
//
// With the weights turned by 180 degrees, and dy spread by the stride with zeros between, this is
// the sum of register_tiled.wgsl with padding kernel - 1 - padding, and it is tiled the same way:
// 2 rows of 8 outputs in 8 channels an invocation.
//
// dy        [networks, batch, outChannels, outHeight, outWidth]
// turned    the weights as pack.wgsl lays them out, [networks, blocks of 8 i, o, runs of 3 kx, ky, 3, 8]
// dx, mask  [networks, batch, inChannels, inHeight, inWidth]; mask is xStride apart, 0 if shared
//
// Launch: tiles of all images in a line along x, block of channels after block of channels, folded
// past 65,535 workgroups; z over the networks. Compute-bound on a processor.
//
// UNIT_STRIDE = 1 promises stride 1. VECTORS = 2 or 4 promises stride 1, a kernel 3 wide, padding 1
// and a width that is a multiple of it: rows are then loaded, and with 4 stored, by whole vectors.
//
// Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

override VECTORS: u32 = 0u;
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

@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> turned: array<vec4f>;
@group(0) @binding(2) var<storage, read> mask: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;
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

// A row of dy, spread by the stride with zeros between.
fn windowsOfDy(plane: u32, row: u32, column: u32) -> Windows {
  if (VECTORS == 4u) {
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
  if (VECTORS == 2u) {
    let line = plane + row * params.outWidth;
    let i = row < params.outHeight;
    let inner = line + column + 1u;
    let q = select(0u, inner / 4u, i);
    let r = select(0u, inner / 4u + 1u, i && column + 3u < params.outWidth);
    let s = select(0u, inner / 4u + 2u, i && column + 7u < params.outWidth);
    let width = select(0u, params.outWidth, i);
    return tenOf(fromDy(line, column, i), dy[q], dy[r], dy[s], inner % 4u != 0u, column, width);
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

fn convolve(t: Tile, network: u32) -> Accumulators {
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

fn storeDx(t: Tile, network: u32, channel: u32, row: u32, column: u32, values: vec4f) {
  if (channel >= params.inChannels || column >= params.inWidth) { return; }
  let plane = (network * params.batch + t.image) * params.inChannels + channel;
  let i = (plane * params.inHeight + row) * params.inWidth + column;
  if (VECTORS == 4u) {
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
fn inputGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let t = tileOf(index, params.inChannels, params.inHeight, params.inWidth);
  if (!t.inside) { return; }
  let s = convolve(t, id.z);
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
  let s = convolve(t, id.z);
  storeRowDx(t, id.z, t.row, maskRow(t, id.z, t.row, s.top));
  storeRowDx(t, id.z, t.row + 1u, maskRow(t, id.z, t.row + 1u, s.bottom));
}
