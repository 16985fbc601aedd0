/** A loss became NaN or infinite; training stopped there. */
export class NonFiniteLossError extends Error {
  /** Name of the class. */
  override readonly name: string = "NonFiniteLossError";
  /** Step at which it was seen first, counted from 0. */
  readonly step: number;
  /** Seed of the network that it was seen in. */
  readonly seed: number;

  /**
   * Says where it was seen.
   *
   * @param step Counted from 0.
   * @param seed Of the network.
   * @param loss The value seen.
   */
  constructor(step: number, seed: number, loss: number) {
    super(
      `Cannot go on training: the loss must be finite: at step ${step}, seed ${seed} it is ${loss}`,
    );
    this.step = step;
    this.seed = seed;
  }
}
