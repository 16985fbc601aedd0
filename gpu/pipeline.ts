import type { Device } from "./device.ts";
import { ShaderError } from "./errors.ts";
import type { Kernel } from "./kernel.ts";
import type { Numbers } from "./kernel_spec.ts";

/** A compiled entry point with the layout of its tensors. */
export interface CompiledKernel {
  /** What runs. */
  readonly pipeline: GPUComputePipeline;
  /** Layout of its tensors, group 0. */
  readonly layout: GPUBindGroupLayout;
}

/** A shader module, and what its compiler had against it. */
interface CompiledModule {
  readonly module: GPUShaderModule;
  readonly outcome: Promise<GPUError | Error | null>;
}

const modules = new WeakMap<Device, Map<string, CompiledModule>>();
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
 * What is wrong, and the notes on it: naga repeats label, place and excerpt inside its message.
 */
function reasonOf(message: string): string {
  const [reason = "it is not valid", ...rest] = message.split("\n").map((line) => line.trim())
    .filter(Boolean);
  const notes = rest.filter((line) => line.startsWith("=")).map((line) => line.slice(1).trim());
  return [reason.replace(/^Shader (?:'[^']*' parsing|validation) error: /, ""), ...notes].join(
    ": ",
  );
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
    return `${file}:${lineNum}:${linePos} ${reasonOf(message)}${place}`;
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

function compileModule(device: Device, kernel: Kernel): CompiledModule {
  const { gpu } = device;
  const { file, source } = kernel.family;
  gpu.pushErrorScope("validation");
  const module = gpu.createShaderModule({ label: file, code: source });
  const refused = gpu.popErrorScope();
  const outcome = compilationError(kernel, module).then((error) => error ?? refused);
  return { module, outcome };
}

/** Compiles an entry point; `forget` is called if that fails, so that the next run says so again. */
function compile(
  device: Device,
  kernel: Kernel,
  constants: Numbers,
  forget: () => void,
): CompiledKernel {
  const { gpu } = device;
  const { family, entry, label } = kernel;
  const bySource = under(modules, device, () => new Map<string, CompiledModule>());
  const { module, outcome } = under(bySource, family.source, () => compileModule(device, kernel));
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
  const refused = gpu.popErrorScope();
  device.watch(
    `compile kernel "${label}"`,
    // a pipeline of a broken shader is refused too, but only the shader's compiler says why
    outcome.then((error) => error ?? refused).then((error) => {
      if (error !== null) forget();
      return error;
    }),
  );
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
  return under(
    byConstants,
    key,
    () => compile(device, kernel, constants, () => byConstants.delete(key)),
  );
}
