// integer_linear: y = (x - xZero)(weight - weightZero)^T + bias, in int32.
//
//   y[p, r, o] = sum over i of (x[p, r, i] - xZero[p]) (weight[p, o, i] - weightZero[p, o]) + bias[p, o]
//
// x            [networks or 1, rows, inputs]: integer codes; xStride elements lie between networks,
//              0 where all share them
// weight       [networks, outputs, inputs]: integer codes
// bias         [networks, outputs], in units of s_x s_w
// xZero        [networks];  weightZero [networks, outputs]
// y            [networks, rows, outputs]
//
// Exact as long as nothing leaves an int32, which the host has to see to: WGSL's integers wrap.
// An invocation computes 4 rows x 4 outputs, loading four inputs at a time: 8 loads for 64 products.
// ALIGNED = 1 promises that `inputs` is a multiple of 4. Launch: x along outputs, y along rows, z along
// networks. Compute-bound; about 3 integer operations a product.
//
// Jacob et al. 2018, arXiv:1712.05877, section 2.2, equation 4.

override ALIGNED: u32 = 0u;
override WORKGROUP_X: u32 = 4u;
override WORKGROUP_Y: u32 = 16u;
const TILE = 4u; // rows and outputs of an invocation

struct Params { networks: u32, rows: u32, inputs: u32, outputs: u32, xStride: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4i>;
@group(0) @binding(1) var<storage, read> weight: array<vec4i>;
@group(0) @binding(2) var<storage, read> bias: array<i32>;
@group(0) @binding(3) var<storage, read> xZero: array<i32>;
@group(0) @binding(4) var<storage, read> weightZero: array<i32>;
@group(0) @binding(5) var<storage, read_write> y: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

fn xAt(i: u32) -> vec4i {
  if (ALIGNED == 1u) { return x[i / 4u]; }
  let at = i + vec4u(0u, 1u, 2u, 3u);
  return vec4i(
    x[at.x / 4u][at.x % 4u], x[at.y / 4u][at.y % 4u],
    x[at.z / 4u][at.z % 4u], x[at.w / 4u][at.w % 4u],
  );
}

fn weightAt(i: u32) -> vec4i {
  if (ALIGNED == 1u) { return weight[i / 4u]; }
  let at = i + vec4u(0u, 1u, 2u, 3u);
  return vec4i(
    weight[at.x / 4u][at.x % 4u], weight[at.y / 4u][at.y % 4u],
    weight[at.z / 4u][at.z % 4u], weight[at.w / 4u][at.w % 4u],
  );
}

@compute @workgroup_size(WORKGROUP_X, WORKGROUP_Y)
fn forward(@builtin(global_invocation_id) id: vec3u) {
  let network = id.z;
  let output = TILE * id.x;
  let row = TILE * id.y;
  if (output >= params.outputs || row >= params.rows) { return; }
  let lanes = vec4u(0u, 1u, 2u, 3u);
  // beyond the last row and output the last ones are computed again and not stored
  let rows = min(row + lanes, vec4u(params.rows - 1u));
  let kernels = network * params.outputs + min(output + lanes, vec4u(params.outputs - 1u));
  let xs = network * params.xStride + rows * params.inputs;
  let ws = kernels * params.inputs;
  let zero = xZero[network];
  let zeros = vec4i(
    weightZero[kernels.x], weightZero[kernels.y], weightZero[kernels.z], weightZero[kernels.w],
  );
  // one vector a row: its four outputs
  let start = vec4i(bias[kernels.x], bias[kernels.y], bias[kernels.z], bias[kernels.w]);
  var sum0 = start;
  var sum1 = start;
  var sum2 = start;
  var sum3 = start;
  for (var i = 0u; i < params.inputs; i += 4u) {
    let isThere = (i + lanes) < vec4u(params.inputs);
    let x0 = select(vec4i(), xAt(xs.x + i) - zero, isThere);
    let x1 = select(vec4i(), xAt(xs.y + i) - zero, isThere);
    let x2 = select(vec4i(), xAt(xs.z + i) - zero, isThere);
    let x3 = select(vec4i(), xAt(xs.w + i) - zero, isThere);
    let w = transpose4(
      weightAt(ws.x + i) - zeros.x,
      weightAt(ws.y + i) - zeros.y,
      weightAt(ws.z + i) - zeros.z,
      weightAt(ws.w + i) - zeros.w,
    );
    sum0 += x0.x * w.a + x0.y * w.b + x0.z * w.c + x0.w * w.d;
    sum1 += x1.x * w.a + x1.y * w.b + x1.z * w.c + x1.w * w.d;
    sum2 += x2.x * w.a + x2.y * w.b + x2.z * w.c + x2.w * w.d;
    sum3 += x3.x * w.a + x3.y * w.b + x3.z * w.c + x3.w * w.d;
  }
  store(network, row, output, sum0);
  store(network, row + 1u, output, sum1);
  store(network, row + 2u, output, sum2);
  store(network, row + 3u, output, sum3);
}

// Four inputs of four outputs, turned: each vector holds the weights of one input.
struct Columns { a: vec4i, b: vec4i, c: vec4i, d: vec4i }

fn transpose4(a: vec4i, b: vec4i, c: vec4i, d: vec4i) -> Columns {
  return Columns(
    vec4i(a.x, b.x, c.x, d.x), vec4i(a.y, b.y, c.y, d.y),
    vec4i(a.z, b.z, c.z, d.z), vec4i(a.w, b.w, c.w, d.w),
  );
}

fn store(network: u32, row: u32, output: u32, sum: vec4i) {
  if (row >= params.rows) { return; }
  let to = (network * params.rows + row) * params.outputs + output;
  let count = params.outputs - output;
  y[to] = sum.x;
  if (count > 1u) { y[to + 1u] = sum.y; }
  if (count > 2u) { y[to + 2u] = sum.z; }
  if (count > 3u) { y[to + 3u] = sum.w; }
}
