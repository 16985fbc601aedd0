import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { UserError } from "../formats/user_error.ts";
import { canonicalJson } from "./canonical_json.ts";
import type { Metrics } from "./metrics.ts";
import { type Trial, trialId } from "./trial.ts";

/** One start of a command that measures trials. */
export interface Run {
  /** The command line, as a person would type it. */
  readonly command: string;
  /** Git commit of the code, or `unknown`. */
  readonly commit: string;
  /** The adapter that runs the shaders, in its driver's words. */
  readonly adapter: string;
  /** True if that adapter is software. */
  readonly software: boolean;
  /** When it started, ISO 8601 in UTC. */
  readonly started: string;
}

/** How a trial ended. */
export type Outcome =
  | {
    readonly status: "done";
    readonly metrics: Metrics;
    readonly seconds: number;
    /** What calibration found that should make one careful, a sentence each; none if left out. */
    readonly remarks?: readonly string[];
  }
  | { readonly status: "failed"; readonly error: string; readonly seconds?: number };

/** A trial in the store. */
export interface TrialRecord {
  /** From `trialId`. */
  readonly id: string;
  /** What was measured. */
  readonly trial: Trial;
  /** How it ended. */
  readonly outcome: Outcome;
  /** Number of the run that measured it. */
  readonly run: number;
}

/** Marks a file as ours: "bitc" in ASCII. */
const APPLICATION_ID = 0x62697463;
const SCHEMA_VERSION = 2;
/** How long to wait for another process that writes, in milliseconds. */
const BUSY_TIMEOUT = 30_000;

const SCHEMA = `
  CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    command TEXT NOT NULL, commit_id TEXT NOT NULL, adapter TEXT NOT NULL,
    software INTEGER NOT NULL, started TEXT NOT NULL
  ) STRICT;
  CREATE TABLE trials (
    id TEXT PRIMARY KEY,
    trial TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('done', 'failed')),
    metrics TEXT, error TEXT, seconds REAL,
    run INTEGER NOT NULL REFERENCES runs (number),
    remarks TEXT
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** From version 1, which knew no remarks. */
const MIGRATION = `
  ALTER TABLE trials ADD COLUMN remarks TEXT;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Every trial that was ever measured, in one SQLite file.
 *
 * Each outcome is a transaction of its own, so that a process killed at any moment loses at most the
 * trial in hand; several processes may write at once.
 */
export class Store implements Disposable {
  /** Where the file is. */
  readonly path: string;
  readonly #db: DatabaseSync;

  /** Use {@link openStore}. */
  constructor(path: string, db: DatabaseSync) {
    this.path = path;
    this.#db = db;
  }

  /**
   * Writes down that a command starts to measure.
   *
   * @param run Where and with what.
   * @returns Its number, for {@link Store.record}.
   */
  startRun({ command, commit, adapter, software, started }: Run): number {
    return transaction(this.#db, () => {
      const { lastInsertRowid } = this.#db.prepare(
        "INSERT INTO runs (command, commit_id, adapter, software, started) VALUES (?, ?, ?, ?, ?)",
      ).run(command, commit, adapter, software ? 1 : 0, started);
      return Number(lastInsertRowid);
    });
  }

  /**
   * Finds a run.
   *
   * @param number From {@link Store.startRun} or a {@link TrialRecord}.
   * @returns The run, or `undefined` if there is none of that number.
   */
  run(number: number): Run | undefined {
    const row = this.#db.prepare("SELECT * FROM runs WHERE number = ?").get(number);
    return row && {
      command: String(row.command),
      commit: String(row.commit_id),
      adapter: String(row.adapter),
      software: row.software === 1,
      started: String(row.started),
    };
  }

  /**
   * Writes down how a trial ended; a failure never replaces a result.
   *
   * @param trial What was measured.
   * @param outcome How it ended.
   * @param run Number of the run that measured it.
   */
  record(trial: Trial, outcome: Outcome, run: number): void {
    const done = outcome.status === "done";
    transaction(this.#db, () =>
      this.#db.prepare(`
        INSERT INTO trials (id, trial, status, metrics, error, seconds, run, remarks)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET status = excluded.status, metrics = excluded.metrics,
          error = excluded.error, seconds = excluded.seconds, run = excluded.run,
          remarks = excluded.remarks
        WHERE excluded.status = 'done' OR trials.status = 'failed'
      `).run(
        trialId(trial),
        canonicalJson(trial),
        outcome.status,
        done ? canonicalJson(outcome.metrics) : null,
        done ? null : outcome.error,
        outcome.seconds ?? null,
        run,
        done && outcome.remarks !== undefined ? JSON.stringify(outcome.remarks) : null,
      ));
  }

  /**
   * Finds a trial.
   *
   * @param id From `trialId`.
   * @returns Its record, or `undefined` if it was never measured.
   */
  find(id: string): TrialRecord | undefined {
    const row = this.#db.prepare("SELECT * FROM trials WHERE id = ?").get(id);
    return row && {
      id,
      trial: JSON.parse(String(row.trial)),
      outcome: row.status === "done"
        ? {
          status: "done",
          metrics: JSON.parse(String(row.metrics)),
          seconds: Number(row.seconds),
          ...row.remarks !== null && { remarks: JSON.parse(String(row.remarks)) },
        }
        : { status: "failed", error: String(row.error) },
      run: Number(row.run),
    };
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#db.close();
  }
}

function transaction<T>(db: DatabaseSync, work: () => T): T {
  // IMMEDIATE takes the write lock at once: a later upgrade would fail instead of waiting.
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function pragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

function prepare(db: DatabaseSync, fail: (why: string) => never): void {
  db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
  const integrity = pragma(db, "quick_check(1)");
  if (integrity !== "ok") {
    fail(`the file must be sound: SQLite says ${String(integrity).replaceAll("\n", " ")}`);
  }
  transaction(db, () => {
    const tables = Number(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n);
    if (tables === 0) return db.exec(SCHEMA);
    const id = pragma(db, "application_id");
    if (id !== APPLICATION_ID) fail("the file must be a store of Bitcliff: it is another database");
    const version = pragma(db, "user_version");
    if (version === 1) return db.exec(MIGRATION);
    if (version !== SCHEMA_VERSION) {
      fail(`the schema must have version ${SCHEMA_VERSION}: it has version ${version}`);
    }
    // A page that is really written tells a full disk or a read-only file from a good one.
    db.exec("CREATE TABLE probe (x); DROP TABLE probe");
  });
  // After the checks: the journal mode is written into the file, which may be somebody else's.
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
}

/**
 * Opens the store, or makes it, and finds out at once whether it can be written.
 *
 * @param path Of the SQLite file; its folder is made if need be.
 * @returns The store; dispose of it to close the file.
 * @throws {UserError} If the file is corrupt, belongs to something else, has another schema, or
 *   cannot be written.
 */
export function openStore(path: string): Store {
  const fail = (why: string): never => {
    throw new UserError(`Cannot open the run store ${path}: ${why}`);
  };
  let db: DatabaseSync | undefined;
  try {
    const folder = dirname(path);
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
    db = new DatabaseSync(path);
    prepare(db, fail);
    return new Store(path, db);
  } catch (error) {
    db?.close();
    if (error instanceof UserError || !(error instanceof Error)) throw error;
    if (error.name === "NotCapable") throw error;
    return fail(error.message.replaceAll("\n", " "));
  }
}
