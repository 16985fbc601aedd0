// haar_2d analysis: one level of the 2-D Haar transform in one pass.
//
// Every block of 2 x 2 pixels        a b     gives   approximation  (a + b + c + d) / 2
//                                    c d             horizontal     (a + b - c - d) / 2
//                                                    vertical       (a - b + c - d) / 2
//                                                    diagonal       (a - b - c + d) / 2
//
// x                                                [batch, height, width], width a multiple of 8
// approximation, horizontal, vertical, diagonal    [batch, half, width / 2], half = ceil(height / 2)
//
// An odd height repeats its last row, which is what both boundary modes do for two taps. One
// invocation per 4 blocks: 4 vector loads, 4 vector stores and 32 additions; memory-bound. Other
// widths and other wavelets take two passes of the dwt_axis kernels.
//
// Haar 1910, doi:10.1007/BF01456326; Mallat 1989, doi:10.1109/34.192463

override WORKGROUP_SIZE: u32 = 64u;

struct Params { batch: u32, height: u32, width: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> approximation: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> horizontal: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> vertical: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> diagonal: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn analysis(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let vectors = params.width / 8u; // of a row of a band
  let half = (params.height + 1u) / 2u;
  let index = id.y * groups.x * WORKGROUP_SIZE + id.x;
  if (index >= params.batch * half * vectors) { return; }
  let row = index / vectors;
  let image = row / half;
  let top = 2u * (row % half);
  let bottom = min(top + 1u, params.height - 1u);
  let upper = 2u * ((image * params.height + top) * vectors + index % vectors);
  let lower = 2u * ((image * params.height + bottom) * vectors + index % vectors);

  let upperLeft = x[upper];
  let upperRight = x[upper + 1u];
  let lowerLeft = x[lower];
  let lowerRight = x[lower + 1u];
  let a = vec4f(upperLeft.xz, upperRight.xz);
  let b = vec4f(upperLeft.yw, upperRight.yw);
  let c = vec4f(lowerLeft.xz, lowerRight.xz);
  let d = vec4f(lowerLeft.yw, lowerRight.yw);
  let upperSum = 0.5 * (a + b);
  let lowerSum = 0.5 * (c + d);
  let upperDifference = 0.5 * (a - b);
  let lowerDifference = 0.5 * (c - d);
  approximation[index] = upperSum + lowerSum;
  horizontal[index] = upperSum - lowerSum;
  vertical[index] = upperDifference + lowerDifference;
  diagonal[index] = upperDifference - lowerDifference;
}
