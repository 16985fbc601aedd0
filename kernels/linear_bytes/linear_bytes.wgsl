// linear_bytes: a linear layer straight from the bytes of a resident data set, and its gradients.
//
//   forward          y[p, r, o]  = scale * sum_k pixel(p, r, k) weight[p, o, k] + bias[p, o]
//                    with RELU: max(., 0)
//   weightGradient   dw[p, o, k] = scale * sum_r dy[p, r, o] pixel(p, r, k)
//                    db[p, o]    = sum_r dy[p, r, o]
//
// pixel(p, r, k) is byte k of image rows[p, r]: what a gather and a matmul would do, but nothing is
// copied, and a load brings 4 (forward) or 16 (backward) inputs instead of 4. A load costs as much as
// 20 to 50 multiply-adds on a processor, so that is what counts there; GPUs gather first. forward passes
// over bytes that are 0 in all images of a tile, such as the margins of MNIST: what is left out is 0 times a
// weight, so sums stay the same, bit for bit, but a weight there that is not finite goes unseen.
//
// pixels [count, inputs / 16] vectors of 16 bytes, rows [networks or 1, batch], weight and dw
// [networks, outputs, inputs], bias and db [networks, outputs], y and dy [networks, batch, outputs].
// inputs must be a multiple of 16, 16,384 at most, and outputs of 4.
//
// Launch: tiles in a line along x, networks along z. A tile is 16 rows x 16 outputs forward, with
// COLUMNS = 8 half of that (the rest is never stored, and the compiler drops it), and 8 outputs x 16
// inputs backward, in mat4x4f accumulators; compute-bound.

override COLUMNS: u32 = 16u;
override RELU: u32 = 0u;
override WORKGROUP_SIZE: u32 = 8u;

struct Params {
  networks: u32, batch: u32, rowsStride: u32, outputs: u32, inputs: u32, count: u32, scale: f32
}

@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read> vectors: array<vec4u>; // the same bytes, 16 at a time
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(6) var<storage, read> dy: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dw: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> db: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// First word of an image; rows past the end of the batch repeat the last one.
fn imageWord(network: u32, row: u32) -> u32 {
  let place = network * params.rowsStride + min(row, params.batch - 1u);
  return rows[place] * (params.inputs / 4u);
}

fn bytes(word: u32) -> vec4f { return vec4f(unpack4xU8(word)); }

// Inputs 4 word .. 4 word + 3 of four images, and the same with an image a column.
fn pixelsOf(starts: vec4u, word: u32) -> vec4u {
  return vec4u(pixels[starts.x + word], pixels[starts.y + word], pixels[starts.z + word],
    pixels[starts.w + word]);
}
fn imageBlock(words: vec4u) -> mat4x4f {
  return mat4x4f(bytes(words.x), bytes(words.y), bytes(words.z), bytes(words.w));
}

// Weights of four outputs for four inputs, an input a column; outputs past the end repeat.
fn weightBlock(network: u32, output: u32, word: u32) -> mat4x4f {
  let words = params.inputs / 4u;
  let first = (network * params.outputs + min(output, params.outputs - 4u)) * words + word;
  return transpose(mat4x4f(weight[first], weight[first + words], weight[first + 2u * words],
    weight[first + 3u * words]));
}

// max(v, 0), but NaN stays NaN.
fn rectified(v: vec4f) -> vec4f {
  let isNaN = (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return select(max(v, vec4f()), v, isNaN);
}

fn storeRow(network: u32, row: u32, output: u32, sums: vec4f) {
  if (row >= params.batch || output >= params.outputs) { return; }
  var value = params.scale * sums + bias[(network * params.outputs + output) / 4u];
  if (RELU == 1u) { value = rectified(value); }
  y[((network * params.batch + row) * params.outputs + output) / 4u] = value;
}

fn storeBlock(network: u32, row: u32, output: u32, sums: mat4x4f) {
  storeRow(network, row, output, sums[0]);
  storeRow(network, row + 1u, output, sums[1]);
  storeRow(network, row + 2u, output, sums[2]);
  storeRow(network, row + 3u, output, sums[3]);
}

// Four rows, one a column, in four outputs a block.
struct Blocks { a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f }

fn add(s: Blocks, w: Blocks, x: mat4x4f) -> Blocks {
  return Blocks(s.a + w.a * x, s.b + w.b * x, s.c + w.c * x, s.d + w.d * x);
}

fn storeBlocks(network: u32, row: u32, output: u32, s: Blocks) {
  storeBlock(network, row, output, s.a);
  storeBlock(network, row, output + 4u, s.b);
  if (COLUMNS == 8u) { return; }
  storeBlock(network, row, output + 8u, s.c);
  storeBlock(network, row, output + 12u, s.d);
}

fn imageWords(network: u32, row: u32) -> vec4u {
  return vec4u(imageWord(network, row), imageWord(network, row + 1u), imageWord(network, row + 2u),
    imageWord(network, row + 3u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u) {
  let across = (params.outputs + COLUMNS - 1u) / COLUMNS;
  let row = id.x / across * 16u;
  let output = id.x % across * COLUMNS;
  let network = id.z;
  if (row >= params.batch) { return; }
  let i0 = imageWords(network, row);
  let i4 = imageWords(network, row + 4u);
  let i8 = imageWords(network, row + 8u);
  let i12 = imageWords(network, row + 12u);
  var s0 = Blocks();
  var s4 = Blocks();
  var s8 = Blocks();
  var s12 = Blocks();
  let words = params.inputs / 4u;
  var word = 0u;
  var p0 = vec4u();
  var p4 = vec4u();
  var p8 = vec4u();
  var p12 = vec4u();
  loop {
    // a loop, since lavapipe computes what is behind an if for no lane at all, too
    loop {
      if (word >= words) { break; }
      p0 = pixelsOf(i0, word);
      p4 = pixelsOf(i4, word);
      p8 = pixelsOf(i8, word);
      p12 = pixelsOf(i12, word);
      if (any((p0 | p4 | p8 | p12) != vec4u())) { break; }
      word++;
    }
    if (word >= words) { break; }
    let w = Blocks(weightBlock(network, output, word), weightBlock(network, output + 4u, word),
      weightBlock(network, output + 8u, word), weightBlock(network, output + 12u, word));
    s0 = add(s0, w, imageBlock(p0));
    s4 = add(s4, w, imageBlock(p4));
    s8 = add(s8, w, imageBlock(p8));
    s12 = add(s12, w, imageBlock(p12));
    word++;
  }
  storeBlocks(network, row, output, s0);
  storeBlocks(network, row + 4u, output, s4);
  storeBlocks(network, row + 8u, output, s8);
  storeBlocks(network, row + 12u, output, s12);
}

// dy of four rows for four outputs, an output a column; zeros past the end of the batch.
fn gradientBlock(network: u32, row: u32, output: u32) -> mat4x4f {
  return transpose(mat4x4f(gradientRow(network, row, output), gradientRow(network, row + 1u, output),
    gradientRow(network, row + 2u, output), gradientRow(network, row + 3u, output)));
}

fn gradientRow(network: u32, row: u32, output: u32) -> vec4f {
  let at = (network * params.batch + min(row, params.batch - 1u)) * params.outputs +
    min(output, params.outputs - 4u);
  return select(vec4f(), dy[at / 4u], row < params.batch);
}

fn storeGradients(network: u32, output: u32, input: u32, sums: mat4x4f) {
  if (output >= params.outputs) { return; }
  let first = (network * params.outputs + output) * params.inputs + input;
  let step = params.inputs / 4u;
  dw[first / 4u] = params.scale * sums[0];
  dw[first / 4u + step] = params.scale * sums[1];
  dw[first / 4u + 2u * step] = params.scale * sums[2];
  dw[first / 4u + 3u * step] = params.scale * sums[3];
}

fn storeBias(network: u32, output: u32, sums: vec4f) {
  if (output >= params.outputs) { return; }
  let first = network * params.outputs + output;
  db[first] = sums.x;
  db[first + 1u] = sums.y;
  db[first + 2u] = sums.z;
  db[first + 3u] = sums.w;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn weightGradient(@builtin(global_invocation_id) id: vec3u) {
  let across = params.inputs / 16u;
  let output = id.x / across * 8u;
  let input = id.x % across * 16u;
  let network = id.z;
  if (output >= params.outputs) { return; }
  var s00 = mat4x4f(); var s01 = mat4x4f(); var s02 = mat4x4f(); var s03 = mat4x4f();
  var s10 = mat4x4f(); var s11 = mat4x4f(); var s12 = mat4x4f(); var s13 = mat4x4f();
  var b0 = vec4f();
  var b1 = vec4f();
  for (var row = 0u; row < params.batch; row += 4u) {
    let starts = (imageWords(network, row) + input / 4u) / 4u;
    let r0 = vectors[starts.x];
    let r1 = vectors[starts.y];
    let r2 = vectors[starts.z];
    let r3 = vectors[starts.w];
    let g0 = gradientBlock(network, row, output);
    let g1 = gradientBlock(network, row, output + 4u);
    b0 += vec4f(1.0) * g0;
    b1 += vec4f(1.0) * g1;
    let x0 = mat4x4f(bytes(r0.x), bytes(r1.x), bytes(r2.x), bytes(r3.x));
    s00 += x0 * g0;
    s10 += x0 * g1;
    let x1 = mat4x4f(bytes(r0.y), bytes(r1.y), bytes(r2.y), bytes(r3.y));
    s01 += x1 * g0;
    s11 += x1 * g1;
    let x2 = mat4x4f(bytes(r0.z), bytes(r1.z), bytes(r2.z), bytes(r3.z));
    s02 += x2 * g0;
    s12 += x2 * g1;
    let x3 = mat4x4f(bytes(r0.w), bytes(r1.w), bytes(r2.w), bytes(r3.w));
    s03 += x3 * g0;
    s13 += x3 * g1;
  }
  storeGradients(network, output, input, s00);
  storeGradients(network, output, input + 4u, s01);
  storeGradients(network, output, input + 8u, s02);
  storeGradients(network, output, input + 12u, s03);
  storeGradients(network, output + 4u, input, s10);
  storeGradients(network, output + 4u, input + 4u, s11);
  storeGradients(network, output + 4u, input + 8u, s12);
  storeGradients(network, output + 4u, input + 12u, s13);
  if (input == 0u) {
    storeBias(network, output, b0);
    storeBias(network, output + 4u, b1);
  }
}
