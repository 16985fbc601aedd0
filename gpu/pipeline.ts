import type { Device } from "./device.ts";
import { ShaderError } from "./errors.ts";
import type { Kernel } from "./kernel.ts";
import type { Numbers } from "./kernel_spec.ts";

/** A compiled entry point with the layout of its tensors. */
export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

const modules = new WeakMap<Device, Map<string, GPUShaderModule>>();
const pipelines = new WeakMap<Device, Map<Kernel, Map<string, CompiledKernel>>>();

/** The map under a key, made on first use. */
function under<K, V>(
  map: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

/**
 * Writes a compiler's messages with file, line and a caret under the place.
 *
 * @param file Path of the shader.
 * @param source Its text.
 * @param messages What the compiler said.
 * @returns One block of lines.
 */
export function formatShaderMessages(
  file: string,
  source: string,
  messages: readonly Pick<GPUCompilationMessage, "lineNum" | "linePos" | "message">[],
): string {
  const lines = source.split("\n");
  return messages.map(({ lineNum, linePos, message }) => {
    const place = lineNum > 0
      ? `\n  ${lines[lineNum - 1]}\n  ${" ".repeat(Math.max(0, linePos - 1))}^`
      : "";
    return `${file}:${lineNum}:${linePos} ${message}${place}`;
  }).join("\n");
}

async function compilationError(kernel: Kernel, module: GPUShaderModule): Promise<Error | null> {
  const { messages } = await module.getCompilationInfo();
  const errors = messages.filter(({ type }) => type === "error");
  if (errors.length === 0) return null;
  const { file, source } = kernel.family;
  return new ShaderError(
    `Cannot compile ${file}:\n${formatShaderMessages(file, source, errors)}`,
  );
}

function compile(device: Device, kernel: Kernel, constants: Numbers): CompiledKernel {
  const { gpu } = device;
  const { family, entry, label } = kernel;
  const bySource = under(modules, device, () => new Map<string, GPUShaderModule>());
  const module = under(bySource, family.source, () => {
    gpu.pushErrorScope("validation");
    const made = gpu.createShaderModule({ label: family.file, code: family.source });
    const refused = gpu.popErrorScope();
    device.watch(
      `compile ${family.file}`,
      compilationError(kernel, made).then(async (error) => error ?? await refused),
    );
    return made;
  });
  gpu.pushErrorScope("validation");
  const layout = gpu.createBindGroupLayout({
    label,
    entries: kernel.bindings.map(({ binding, written }) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: written ? "storage" as const : "read-only-storage" as const },
    })),
  });
  const pipeline = gpu.createComputePipeline({
    label,
    layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout, device.paramsLayout] }),
    compute: { module, entryPoint: entry, constants: { ...constants } },
  });
  device.watch(`compile kernel "${label}"`, gpu.popErrorScope());
  return { pipeline, layout };
}

/**
 * Finds or compiles the pipeline of an entry point.
 *
 * @param device Where it runs.
 * @param kernel The entry point.
 * @param constants Every override with its value.
 * @returns The pipeline and its layout; errors surface at the next wait.
 */
export function compiled(device: Device, kernel: Kernel, constants: Numbers): CompiledKernel {
  const byKernel = under(pipelines, device, () => new Map<Kernel, Map<string, CompiledKernel>>());
  const byConstants = under(byKernel, kernel, () => new Map<string, CompiledKernel>());
  const key = Object.values(constants).join();
  return under(byConstants, key, () => compile(device, kernel, constants));
}
