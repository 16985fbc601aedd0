// dropout: zeroes elements at random while a network trains, and scales up the others to make up for it.
//
//   forward    y = kept x scale,   kept = 1 where bits(i) >= dropBelow, else 0
//   backward  dx = kept dy scale   (the same numbers again: no mask is stored)
//
//   bits(i) = hash(hash(i) ^ key) >> 8,  i the element within its network
//   key     = hash(hash(hash(hash(seeds[network]) + stream)) + clock)
//
// With dropBelow = rate 2^24 and scale = 1 / (1 - rate) the expectation of y is x (inverted dropout).
// The mask depends on seed, stream of the layer, step and element and on nothing else: a population
// drops what each of its networks drops alone, and a resumed run what an uninterrupted one does.
//
// x, y, dy, dx   [networks, size]
// seeds [networks], clock [1]
//
// One invocation per 4 vectors of 4 elements; memory-bound on a GPU (8 bytes and 30 integer operations
// an element), compute-bound on a processor.
//
// Srivastava et al. 2014, JMLR 15. PCG as a hash: Jarzynski and Olano 2020, JCGT 9(3).

override WORKGROUP_SIZE: u32 = 64u;
const VECTORS = 4u; // an invocation
const LANES = vec4u(0u, 1u, 2u, 3u);

struct Params { networks: u32, size: u32, stream: u32, dropBelow: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> seeds: array<u32>;
@group(0) @binding(3) var<storage, read> clock: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dx: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

fn hash(input: vec4u) -> vec4u {
  let state = input * 747796405u + 2891336453u;
  let word = ((state >> ((state >> vec4u(28u)) + 4u)) ^ state) * 277803737u;
  return (word >> vec4u(22u)) ^ word;
}

fn keysOf(networks: vec4u) -> vec4u {
  let start = vec4u(seeds[networks.x], seeds[networks.y], seeds[networks.z], seeds[networks.w]);
  return hash(hash(hash(hash(start) + params.stream)) + clock[0]);
}

// 0 or `scale` of each element of vector v; `keys` are those of `network`, where most vectors end too
fn factors(v: u32, network: u32, keys: vec4u) -> vec4f {
  let within = 4u * v + LANES - network * params.size;
  var counters = within;
  var key = keys;
  if (within.w >= params.size) {
    let beyond = min(within / params.size, vec4u(params.networks - 1u - network));
    counters = within - beyond * params.size;
    key = keysOf(network + beyond);
  }
  let isKept = (hash(hash(counters) ^ key) >> vec4u(8u)) >= vec4u(params.dropBelow);
  return select(vec4f(), vec4f(params.scale), isKept);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  let elements = params.networks * params.size;
  if (4u * first >= elements) { return; }
  let network = 4u * first / params.size;
  let keys = keysOf(vec4u(network));
  for (var v = first; v < first + VECTORS; v++) {
    if (4u * v >= elements) { return; }
    y[v] = x[v] * factors(v, network, keys);
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.y * groups.x * WORKGROUP_SIZE + id.x) * VECTORS;
  let elements = params.networks * params.size;
  if (4u * first >= elements) { return; }
  let network = 4u * first / params.size;
  let keys = keysOf(vec4u(network));
  for (var v = first; v < first + VECTORS; v++) {
    if (4u * v >= elements) { return; }
    dx[v] = dy[v] * factors(v, network, keys);
  }
}
