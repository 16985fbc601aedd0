/** What it takes to hold one layer at one bit-width, and what that does. */
export interface PrecisionChoice {
  /** Bits of a weight. */
  readonly bits: number;
  /** Size of the layer, in bytes. */
  readonly bytes: number;
  /** What it costs the network: an increase of the loss, or any other sum of parts. */
  readonly sensitivity: number;
}

/** One layer and the bit-widths that it may have. */
export interface LayerChoices {
  /** Such as `fc1`. */
  readonly layer: string;
  /** At least one. */
  readonly choices: readonly PrecisionChoice[];
}

/** A bit-width for every layer. */
export interface BitAllocation {
  /** Bits by layer. */
  readonly bits: Readonly<Record<string, number>>;
  /** Of all layers. */
  readonly bytes: number;
  /** Sum over the layers. */
  readonly sensitivity: number;
}

/**
 * Refuses what no bit-width can be chosen from.
 *
 * @param layers Layers and their choices.
 * @throws {RangeError} If a layer has no choice, bytes or sensitivity are not finite, or bytes negative.
 */
export function checkChoices(layers: readonly LayerChoices[]): void {
  for (const { layer, choices } of layers) {
    if (choices.length === 0) {
      throw new RangeError(
        `Cannot allocate bits: every layer must have a choice: "${layer}" has none`,
      );
    }
    const bad = choices.find(({ bytes, sensitivity }) =>
      !(bytes >= 0) || !Number.isFinite(bytes) || !Number.isFinite(sensitivity)
    );
    if (bad !== undefined) {
      throw new RangeError(
        `Cannot allocate bits: bytes and sensitivity must be finite, bytes not negative: "${layer}" at ` +
          `${bad.bits} bits has ${bad.bytes} bytes and sensitivity ${bad.sensitivity}`,
      );
    }
  }
}

/**
 * Sums up one choice for each layer.
 *
 * @param layers Layers and their choices.
 * @param chosen Index of the choice of each layer.
 * @returns Bits, bytes and sensitivity, summed in the order of the layers.
 */
export function allocationOf(
  layers: readonly LayerChoices[],
  chosen: readonly number[],
): BitAllocation {
  const choices = layers.map((layer, i) => layer.choices[chosen[i]]);
  return {
    bits: Object.fromEntries(layers.map(({ layer }, i) => [layer, choices[i].bits])),
    bytes: choices.reduce((sum, { bytes }) => sum + bytes, 0),
    sensitivity: choices.reduce((sum, { sensitivity }) => sum + sensitivity, 0),
  };
}

/**
 * Says that a budget is too small for any allocation.
 *
 * @param layers Layers and their choices.
 * @param budget In bytes.
 * @throws {RangeError} If the smallest choices together are larger than the budget.
 */
export function checkBudget(layers: readonly LayerChoices[], budget: number): void {
  const least = layers.reduce(
    (sum, { choices }) => sum + Math.min(...choices.map(({ bytes }) => bytes)),
    0,
  );
  if (!(least <= budget)) {
    throw new RangeError(
      `Cannot allocate bits: the budget must be at least ${least} bytes, what the smallest choices ` +
        `take: it is ${budget}`,
    );
  }
}
