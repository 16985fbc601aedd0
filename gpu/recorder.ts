import type { PreparedRun } from "./run.ts";
import type { Storage } from "./tensor.ts";

/** Collects dispatches instead of sending them; see `record`. */
export class Recorder {
  /** What was recorded, in order. */
  readonly runs: PreparedRun[] = [];
  readonly #storages = new Set<Storage>();

  /** Makes memory that exists only inside the program; its buffer is planned later. */
  allocate(bytes: number): Storage {
    const storage: Storage = {
      bytes,
      buffer: undefined,
      released: false,
      planned: true,
      transient: true,
    };
    this.#storages.add(storage);
    return storage;
  }

  /**
   * Appends a dispatch.
   *
   * @throws {TypeError} If it reads memory of the program that nothing has written.
   */
  add(prepared: PreparedRun): void {
    for (const { name, written } of prepared.kernel.bindings) {
      const { storage } = prepared.tensors[name];
      const isOutput = prepared.kernel.spec.writes.includes(name);
      if (!storage.planned) continue;
      if (!this.#storages.has(storage)) {
        throw new TypeError(
          `Cannot record kernel "${prepared.kernel.label}": "${name}" belongs to another program`,
        );
      }
      const before = this.runs.some((run) =>
        run.kernel.bindings.some((b) => b.written && run.tensors[b.name].storage === storage)
      );
      if (!before && !(written && isOutput)) {
        throw new TypeError(
          `Cannot record kernel "${prepared.kernel.label}": "${name}" is read before the ` +
            "program has written it",
        );
      }
    }
    this.runs.push(prepared);
  }

  /**
   * Drops dispatches that nobody looks at: neither a later one, nor anybody outside the program.
   *
   * @param kept Storages that are looked at after the program.
   */
  dropUnread(kept: ReadonlySet<Storage>): void {
    const wanted = new Set(kept);
    for (let i = this.runs.length - 1; i >= 0; i--) {
      const { kernel, tensors } = this.runs[i];
      const bound = kernel.bindings.map(({ name, written }) => ({
        storage: tensors[name].storage,
        written,
      }));
      if (
        bound.some(({ storage, written }) => written && (!storage.planned || wanted.has(storage)))
      ) {
        for (const { storage } of bound) wanted.add(storage);
      } else this.runs.splice(i, 1);
    }
  }

  /**
   * Finds when each planned storage is first and last used.
   *
   * @param kept Storages that live as long as the program.
   * @returns One entry a storage that a dispatch uses, in order of first use.
   */
  lifetimes(kept: ReadonlySet<Storage>): { storage: Storage; first: number; last: number }[] {
    const found = new Map<Storage, { storage: Storage; first: number; last: number }>();
    this.runs.forEach((run, index) => {
      for (const { name } of run.kernel.bindings) {
        const { storage } = run.tensors[name];
        if (!storage.planned) continue;
        const entry = found.get(storage) ?? { storage, first: index, last: index };
        entry.last = kept.has(storage) ? Infinity : index;
        found.set(storage, entry);
      }
    });
    return [...found.values()];
  }
}
