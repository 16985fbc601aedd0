// haar_2d synthesis: the inverse of one level of the 2-D Haar transform in one pass.
//
// The bands s, h, v, d give every block of 2 x 2 pixels    (s + h + v + d) / 2   (s + h - v - d) / 2
//                                                          (s - h + v - d) / 2   (s - h - v + d) / 2
//
// approximation, horizontal, vertical, diagonal    [batch, half, width / 2], half = ceil(height / 2)
// y                                                [batch, height, width], width a multiple of 8
//
// The last row of an odd height is its own mirror image: its second copy is dropped. One invocation
// per 4 blocks: 4 vector loads, 4 vector stores and 32 additions; memory-bound. Other widths and
// other wavelets take two passes of the dwt_axis kernels.
//
// Haar 1910, doi:10.1007/BF01456326; Mallat 1989, doi:10.1109/34.192463

override WORKGROUP_SIZE: u32 = 64u;

struct Params { batch: u32, height: u32, width: u32 }

@group(0) @binding(0) var<storage, read> approximation: array<vec4f>;
@group(0) @binding(1) var<storage, read> horizontal: array<vec4f>;
@group(0) @binding(2) var<storage, read> vertical: array<vec4f>;
@group(0) @binding(3) var<storage, read> diagonal: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn synthesis(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let vectors = params.width / 8u; // of a row of a band
  let half = (params.height + 1u) / 2u;
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (index >= params.batch * half * vectors) { return; }
  let row = index / vectors;
  let image = row / half;
  let top = 2u * (row % half);
  let upper = 2u * ((image * params.height + top) * vectors + index % vectors);

  let upperSum = 0.5 * (approximation[index] + horizontal[index]);
  let lowerSum = 0.5 * (approximation[index] - horizontal[index]);
  let upperDifference = 0.5 * (vertical[index] + diagonal[index]);
  let lowerDifference = 0.5 * (vertical[index] - diagonal[index]);
  let a = upperSum + upperDifference;
  let b = upperSum - upperDifference;
  y[upper] = vec4f(a.x, b.x, a.y, b.y);
  y[upper + 1u] = vec4f(a.z, b.z, a.w, b.w);
  if (top + 1u == params.height) { return; }
  let c = lowerSum + lowerDifference;
  let d = lowerSum - lowerDifference;
  let lower = upper + 2u * vectors;
  y[lower] = vec4f(c.x, d.x, c.y, d.y);
  y[lower + 1u] = vec4f(c.z, d.z, c.w, d.w);
}
