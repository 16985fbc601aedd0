import type { Storage, Tensor } from "./tensor.ts";

/** What owns storages and lets them go together. */
export interface ScopeHost {
  /** Gives the memory of a storage back. */
  free(storage: Storage): void;
  /** Forgets a scope that was closed. */
  leave(scope: Scope): void;
}

/**
 * Owns every tensor made while it is the innermost scope, and releases them at its closing brace,
 * also when an error passes through.
 *
 * ```ts ignore
 * using scope = device.scope();
 * const y = run(kernel, { x }, params).y; // dies here unless scope.keep(y)
 * ```
 */
export class Scope implements Disposable {
  readonly #host: ScopeHost;
  readonly #parent: Scope | undefined;
  readonly #owned = new Set<Storage>();

  /**
   * Use `device.scope()`.
   *
   * @param host The device.
   * @param parent The scope around this one.
   */
  constructor(host: ScopeHost, parent: Scope | undefined) {
    this.#host = host;
    this.#parent = parent;
  }

  /** Takes ownership of a storage. */
  own(storage: Storage): void {
    this.#owned.add(storage);
  }

  /** Gives up ownership of a storage; true if it was owned here. */
  disown(storage: Storage): boolean {
    return this.#owned.delete(storage);
  }

  /**
   * Lets a tensor outlive this scope: the scope around it owns it from now on.
   *
   * @param kept A tensor made in this scope.
   * @returns The same tensor.
   */
  keep<T extends Tensor>(kept: T): T {
    if (this.disown(kept.storage)) this.#parent?.own(kept.storage);
    return kept;
  }

  /** Releases everything that is still owned. */
  [Symbol.dispose](): void {
    for (const storage of this.#owned) this.#host.free(storage);
    this.#owned.clear();
    this.#host.leave(this);
  }
}
