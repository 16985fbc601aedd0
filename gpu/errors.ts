/** No WebGPU adapter exists on this machine, or the one that exists was refused. */
export class AdapterNotFoundError extends Error {
  /** Name of the class. */
  override readonly name: string = "AdapterNotFoundError";
}

/** An allocation exceeds a limit of the adapter, or the adapter's memory is used up. */
export class OutOfMemoryError extends Error {
  /** Name of the class. */
  override readonly name: string = "OutOfMemoryError";
}

/** A shader does not compile; the message shows file, line and a caret. */
export class ShaderError extends Error {
  /** Name of the class. */
  override readonly name: string = "ShaderError";
}

/** WebGPU refused a command; its own words are the `cause`. */
export class GpuValidationError extends Error {
  /** Name of the class. */
  override readonly name: string = "GpuValidationError";
}

/** The device is gone: its driver was reset, or it was destroyed. */
export class DeviceLostError extends Error {
  /** Name of the class. */
  override readonly name: string = "DeviceLostError";
}

/**
 * Turns an error that WebGPU reports into one of ours that says what was being done.
 *
 * @param action What was being done, as in `run kernel "relu.forward"`.
 * @param error The error from an error scope or an `uncapturederror` event.
 * @returns A typed error with WebGPU's own as its `cause`.
 */
export function fromGpuError(action: string, error: GPUError): Error {
  const firstLine = error.message.split("\n").map((line) => line.trim()).filter(Boolean).join(" ");
  const message = `Cannot ${action}: ${firstLine}`;
  return error instanceof GPUOutOfMemoryError
    ? new OutOfMemoryError(message, { cause: error })
    : new GpuValidationError(message, { cause: error });
}
