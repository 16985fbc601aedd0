// permute: put the columns of a matrix in another order.
//
//   y[r, i] = x[r, order[i]]
//
// x, y     [rows, columns]
// order    [columns], whole numbers below `columns`
//
// The inverse is the same kernel with the inverse permutation. One invocation per 4 elements, whose
// reads are scattered within a row; memory-bound (12 bytes an element).

override WORKGROUP_SIZE: u32 = 64u;

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn gather(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let vector = id.y * groups.x * WORKGROUP_SIZE + id.x;
  let size = params.rows * params.columns;
  if (4u * vector >= size) { return; }
  var found = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let element = min(4u * vector + i, size - 1u);
    let column = element % params.columns;
    found[i] = x[element - column + order[column]];
  }
  y[vector] = found;
}
