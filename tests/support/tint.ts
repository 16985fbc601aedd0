import { create } from "webgpu";
import { parseWgsl } from "../../gpu/mod.ts";

/** Dawn and its device; the instance must stay reachable, or its collection takes the device along. */
interface Dawn {
  readonly gpu: GPU;
  readonly device: GPUDevice;
}

let opened: Promise<Dawn> | undefined;

/** Opens Dawn's null backend: the whole of Tint without an adapter. */
async function openDawn(): Promise<Dawn> {
  const gpu = create(["backend=null"]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new TypeError("Cannot lint shaders: Dawn has no null adapter");
  return { gpu, device: await adapter.requestDevice() };
}

/** What `attempt` makes Tint complain about, or nothing. */
async function complaintOf(device: GPUDevice, attempt: () => void): Promise<string | undefined> {
  device.pushErrorScope("validation");
  attempt();
  return (await device.popErrorScope())?.message;
}

/**
 * Compiles a shader with Tint, which refuses what naga lets pass, such as barriers in divergent
 * control flow.
 *
 * @param source Complete WGSL.
 * @param path What to call it.
 * @returns What Tint said of the module, or of each entry point; empty if it accepts all.
 */
export async function lintWgsl(source: string, path: string): Promise<string[]> {
  const { device } = await (opened ??= openDawn());
  let module: GPUShaderModule | undefined;
  const refused = await complaintOf(device, () => {
    module = device.createShaderModule({ label: path, code: source });
  });
  if (refused !== undefined) return [refused];
  const complaints: string[] = [];
  for (const entryPoint of parseWgsl(source, path).entries) {
    const complaint = await complaintOf(device, () => {
      device.createComputePipeline({ layout: "auto", compute: { module: module!, entryPoint } });
    });
    if (complaint !== undefined) complaints.push(`${path} ${entryPoint}: ${complaint}`);
  }
  return complaints;
}
