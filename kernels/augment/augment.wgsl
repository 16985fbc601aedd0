// augment: copy the images of a batch out of a resident data set, each cropped, mirrored and cut out at
// random, as normalized floats.
//
//   crop     the image with `padding` black pixels around it is cut to its size again, at one of
//            (2 padding + 1)^2 places
//   flip     half of the images are mirrored left to right (if flip is 1)
//   cutout   a square of `cutout` pixels about a random pixel of the result is 0, after normalization:
//            what of it lies outside is lost
//
//   x[p, i, channel, r, c] = 0 in the square, else byte * scale[channel] + shift[channel], where byte is
//   that of row r + top - padding, column (flipped ? width - 1 - c : c) + left - padding, or 0 outside
//
//   choice k of image i of network p = ((bits >> 16) n) >> 16, one of n,
//   bits = hash(hash(8 i + k) ^ key),  key = hash(hash(hash(hash(seeds[p]) + stream)) + clock)
//
// pixels, rest    [firstCount, channels, height, width / 4] and the others, as in gather.wgsl
// rows            [networks, batch]
// scale, shift    [channels]
// seeds [networks], clock [1]
// x               [networks, batch, channels, height, width], width a multiple of 4
//
// One invocation per 4 words (16 pixels) of all channels of one image; 4 neighboring pixels of the
// source lie in two words, wherever they begin. Memory-bound (2 bytes read and 4 written a pixel).
//
// Krizhevsky et al. 2012, NIPS 25 (crop, flip). DeVries and Taylor 2017, arXiv:1708.04552 (cutout).

override WORKGROUP_SIZE: u32 = 64u;
const WORDS = 4u; // an invocation
const CHOICES = 8u; // an image
const LANES = vec4i(0, 1, 2, 3);

struct Params {
  networks: u32,
  batch: u32,
  count: u32,
  firstCount: u32,
  channels: u32,
  height: u32,
  width: u32,
  padding: u32,
  flip: u32,
  cutout: u32,
  stream: u32,
}

@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read> rest: array<u32>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read> shift: array<f32>;
@group(0) @binding(5) var<storage, read> seeds: array<u32>;
@group(0) @binding(6) var<storage, read> clock: array<u32>;
@group(0) @binding(7) var<storage, read_write> x: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn hash(input: u32) -> u32 {
  let state = input * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

fn choose(counter: u32, key: u32, n: u32) -> i32 {
  return i32(((hash(hash(counter) ^ key) >> 16u) * n) >> 16u);
}

fn wordOf(i: u32, firstWords: u32) -> u32 {
  if (i < firstWords) { return pixels[i]; }
  return rest[i - firstWords];
}

fn isWithin(at: vec4i, first: i32, length: i32) -> vec4<bool> {
  return (at >= vec4i(first)) & (at < vec4i(first + length));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn augment(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let height = i32(params.height);
  let width = i32(params.width);
  let planeWords = params.height * params.width / 4u;
  let runs = (planeWords + WORDS - 1u) / WORDS;
  let image = i / runs;
  if (image >= params.networks * params.batch) { return; }

  let network = image / params.batch;
  let key = hash(hash(hash(hash(seeds[network]) + params.stream)) + clock[0]);
  let choice = CHOICES * (image - network * params.batch);
  let places = 2u * params.padding + 1u;
  let top = choose(choice, key, places) - i32(params.padding);
  let left = choose(choice + 1u, key, places) - i32(params.padding);
  let isFlipped = params.flip * u32(choose(choice + 2u, key, 2u)) == 1u;
  let side = i32(params.cutout);
  let cutTop = choose(choice + 3u, key, params.height) - side / 2;
  let cutLeft = choose(choice + 4u, key, params.width) - side / 2;

  let first = (i - image * runs) * WORDS;
  let source = rows[image] * params.channels * planeWords;
  let output = image * params.channels * planeWords;
  let firstWords = params.firstCount * params.channels * planeWords;
  for (var word = first; word < min(first + WORDS, planeWords); word++) {
    let row = 4 * i32(word) / width;
    let columns = 4 * i32(word) - row * width + LANES;
    let isCut = isWithin(columns, cutLeft, side) & isWithin(vec4i(row), cutTop, side);

    let sourceRow = row + top;
    let sourceColumns = select(columns, width - 1 - columns, isFlipped) + left;
    let isInside = isWithin(sourceColumns, 0, width) & isWithin(vec4i(sourceRow), 0, height);
    // where words are clamped to the image all their pixels are outside of it
    let address = sourceRow * width + min(sourceColumns.x, sourceColumns.w);
    let low = u32(clamp(address >> 2u, 0, i32(planeWords) - 1));
    let high = u32(clamp((address >> 2u) + 1, 0, i32(planeWords) - 1));
    let bits = u32(address & 3) * 8u;
    for (var channel = 0u; channel < params.channels; channel++) {
      let plane = source + channel * planeWords;
      // a shift by 32 is one by 0
      let above = select(wordOf(plane + high, firstWords) << (32u - bits), 0u, bits == 0u);
      let ascending = unpack4xU8((wordOf(plane + low, firstWords) >> bits) | above);
      let bytes = select(vec4u(), select(ascending, ascending.wzyx, isFlipped), isInside);
      let seen = vec4f(bytes) * scale[channel] + shift[channel];
      x[output + channel * planeWords + word] = select(seen, vec4f(), isCut);
    }
  }
}
