/** Bytes between two parameter blocks: WebGPU's alignment of dynamic uniform offsets. */
export const PARAMS_STRIDE = 256;
const SLOTS = 256;

/** One compute dispatch, ready to encode. */
export interface Dispatch {
  /** The kernel, for errors and profiles. */
  readonly label: string;
  /** What runs. */
  readonly pipeline: GPUComputePipeline;
  /** Group 0. */
  readonly tensors: GPUBindGroup;
  /** Parameter block, at most 256 bytes. */
  readonly params: ArrayBuffer;
  /** Workgroups along x, y and z. */
  readonly grid: readonly [number, number, number];
}

/** Called around each dispatch while a profile is taken. */
export type TimestampSource = (label: string) => GPUComputePassTimestampWrites | undefined;

/**
 * Collects dispatches in one open compute pass and submits them together.
 *
 * A dispatch costs about 25 us in an open pass and 129 us with a submit of its own (Mesa's software
 * adapter), so nothing is submitted before somebody waits or the parameter blocks are used up.
 */
export class CommandStream {
  readonly #gpu: GPUDevice;
  readonly #blocks = new Uint8Array(SLOTS * PARAMS_STRIDE);
  readonly #buffer: GPUBuffer;
  readonly #bindGroup: GPUBindGroup;
  #used = 0;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  /** Set while a profile is taken: every dispatch then has a pass of its own. */
  timestamps: TimestampSource | undefined;

  /**
   * Use the stream of a device.
   *
   * @param gpu The device to submit to.
   * @param layout Layout of a parameter block: one uniform buffer with a dynamic offset.
   */
  constructor(gpu: GPUDevice, layout: GPUBindGroupLayout) {
    this.#gpu = gpu;
    this.#buffer = gpu.createBuffer({
      label: "params",
      size: SLOTS * PARAMS_STRIDE,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    this.#bindGroup = gpu.createBindGroup({
      layout,
      entries: [{ binding: 0, resource: { buffer: this.#buffer, size: PARAMS_STRIDE } }],
    });
  }

  /** Appends a dispatch to the open pass. */
  dispatch({ label, pipeline, tensors, params, grid }: Dispatch): void {
    if (this.#used === SLOTS) this.flush();
    const offset = this.#used++ * PARAMS_STRIDE;
    this.#blocks.set(new Uint8Array(params), offset);
    const timestampWrites = this.timestamps?.(label);
    if (timestampWrites !== undefined) {
      this.#endPass();
      this.#pass = this.encoder().beginComputePass({ timestampWrites });
    }
    const pass = this.#pass ??= this.encoder().beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, tensors);
    pass.setBindGroup(1, this.#bindGroup, [offset]);
    pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
    if (timestampWrites !== undefined) this.#endPass();
  }

  /** The encoder of the commands not yet submitted. */
  encoder(): GPUCommandEncoder {
    return this.#encoder ??= this.#gpu.createCommandEncoder();
  }

  /** Closes the open pass, so that copies can be encoded; returns the encoder. */
  outsidePass(): GPUCommandEncoder {
    this.#endPass();
    return this.encoder();
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  /** True while commands wait for a submit. */
  get pending(): boolean {
    return this.#encoder !== undefined;
  }

  /** Submits everything encoded so far. */
  flush(): void {
    if (this.#encoder === undefined) return;
    this.#endPass();
    if (this.#used > 0) {
      this.#gpu.queue.writeBuffer(this.#buffer, 0, this.#blocks, 0, this.#used * PARAMS_STRIDE);
    }
    this.#gpu.queue.submit([this.#encoder.finish()]);
    this.#encoder = undefined;
    this.#used = 0;
  }
}
