// gather: copy the images of a batch out of a resident data set, as normalized floats.
//
//   x[r, j] = byte(set[rows[r], j]) * scale[channel] + shift[channel]
//
// set             `pixels` followed by `rest`, for an adapter that binds no more at once: pixels
//                 [firstCount, channels, planeWords], rest [count - firstCount, ...], the pixels once
//                 more where that is nothing; 4 bytes a word, lowest byte first
// rows            [batch]
// scale, shift    [channels]
// x               [batch, channels, 4 planeWords]
//
// One invocation per 4 words (16 pixels) of one image; memory-bound (1 byte read and 4 written a
// pixel).

override WORKGROUP_SIZE: u32 = 64u;
const WORDS = 4u; // an invocation

struct Params { batch: u32, count: u32, firstCount: u32, channels: u32, planeWords: u32 }

@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read> rest: array<u32>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read> shift: array<f32>;
@group(0) @binding(5) var<storage, read_write> x: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn wordOf(i: u32, firstWords: u32) -> u32 {
  if (i < firstWords) { return pixels[i]; }
  return rest[i - firstWords];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn gather(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let words = params.channels * params.planeWords;
  let runs = (words + WORDS - 1u) / WORDS;
  let r = i / runs;
  if (r >= params.batch) { return; }
  let first = (i - r * runs) * WORDS;
  let source = rows[r] * words;
  for (var word = first; word < min(first + WORDS, words); word++) {
    let channel = word / params.planeWords;
    let bytes = vec4f(unpack4xU8(wordOf(source + word, params.firstCount * words)));
    x[r * words + word] = bytes * scale[channel] + shift[channel];
  }
}
