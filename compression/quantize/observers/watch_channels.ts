/** Looks for channels that never change, of which calibration learns nothing. */
export interface ChannelWatch {
  /** Takes a batch `[samples, channels, ...]`; `[samples]` is one channel. */
  take(values: Float32Array, shape: readonly number[]): void;
  /** Says how many channels never changed, if any. */
  remarks(samples: number): string[];
}

/**
 * Watches the channels of a layer's input.
 *
 * @param label Name of the layer.
 * @returns The watch.
 */
export function watchChannels(label: string): ChannelWatch {
  let sampleShape: readonly number[] | undefined;
  let first: Float32Array | undefined;
  let isConstant: Uint8Array;
  return {
    take(values, [samples, ...shape]) {
      sampleShape ??= shape;
      if (`${shape}` !== `${sampleShape}`) {
        throw new RangeError(
          `Cannot observe "${label}": the samples of every batch must be of shape ` +
            `[${sampleShape.join(", ")}]: found [${shape.join(", ")}]`,
        );
      }
      const [channels = 1] = shape;
      const inner = values.length / (samples * channels);
      if (first === undefined) {
        first = Float32Array.from({ length: channels }, (_, c) => values[c * inner]);
        isConstant = new Uint8Array(channels).fill(1);
      }
      for (let row = 0, i = 0; row < samples; row++) {
        for (let c = 0; c < channels; c++) {
          for (const end = i + inner; i < end; i++) {
            if (values[i] !== first[c]) isConstant[c] = 0;
          }
        }
      }
    },
    remarks(samples) {
      if (first === undefined || samples < 2) return [];
      const count = isConstant.reduce((sum, flag) => sum + flag, 0);
      if (count === 0) return [];
      const channel = isConstant.indexOf(1);
      return [
        `"${label}": ${count} of ${first.length} channels never changed in ${samples} samples: ` +
        `channel ${channel} is ${first[channel]}`,
      ];
    },
  };
}
