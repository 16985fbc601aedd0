import { AdapterNotFoundError } from "./errors.ts";

/** Which adapter runs the shaders; part of every result. */
export interface AdapterDescription {
  /** The driver's own words, such as `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly name: string;
  /** The driver's number or word for the maker. */
  readonly vendor: string;
  /** Family of the GPU, such as `hopper`; often empty. */
  readonly architecture: string;
  /** True if a processor does the work: kernels are then chosen for cores, not for a GPU. */
  readonly isSoftware: boolean;
  /** True if GPU clocks can time single dispatches. */
  readonly hasTimestamps: boolean;
}

const SOFTWARE = /llvmpipe|lavapipe|swiftshader|software|basic render|warp/i;

/**
 * Finds an adapter and says what it is.
 *
 * @param gpu The entry to WebGPU; `navigator.gpu` if left out.
 * @returns The adapter and its description.
 * @throws {AdapterNotFoundError} If there is no WebGPU or no adapter, with what to install.
 */
export async function requestAdapter(
  gpu: GPU | undefined = globalThis.navigator?.gpu,
): Promise<{ adapter: GPUAdapter; description: AdapterDescription }> {
  if (gpu === undefined) {
    throw new AdapterNotFoundError(
      "Cannot open a device: this runtime has no WebGPU: use Deno 2.9 or a browser with WebGPU",
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) {
    throw new AdapterNotFoundError(
      "Cannot open a device: no WebGPU adapter was found: on Linux without a GPU install a " +
        "software one with: sudo apt-get install -y mesa-vulkan-drivers",
    );
  }
  const { info } = adapter;
  const name = info.description || info.device || info.vendor || "unnamed adapter";
  return {
    adapter,
    description: {
      name,
      vendor: info.vendor,
      architecture: info.architecture,
      isSoftware: info.isFallbackAdapter || SOFTWARE.test(name),
      hasTimestamps: adapter.features.has("timestamp-query"),
    },
  };
}
