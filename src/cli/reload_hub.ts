import type { Flag } from "./flag.ts";
import type { FlagValues } from "./flag_values.ts";
import type { HubIdentity } from "./hub_identity.ts";
import type { ProgramLog } from "./program_log.ts";

/** Flags whose values a running hub takes anew at SIGHUP. */
const reloadable: ReadonlySet<string> = new Set(["v", "plain-allow-uid"]);

export interface HubReloadOptions {
  readonly flags: readonly Flag[];
  /** Those that the hub was started with. */
  readonly values: FlagValues;
  /** Puts them together anew: reads the file of `--config`. @throws UsageError, FileError */
  readonly resolve: () => Promise<FlagValues>;
  readonly log: ProgramLog;
  /** Who may use the plain port where `--plain-allow-uid` names nobody. */
  readonly defaultUids: readonly number[];
}

/** What SIGHUP changes of a running hub; it stays changed where the hub starts again in the same process. */
export class HubReload {
  readonly #options: HubReloadOptions;
  #values: FlagValues;
  #identity: Pick<HubIdentity, "reload"> | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: HubReloadOptions) {
    this.#options = options;
    this.#values = options.values;
  }

  /** Whose processes may use the plain port now. */
  get plainAllowUids(): readonly number[] {
    const named = this.#values.list("plain-allow-uid").map(Number);
    return named.length > 0 ? named : this.#options.defaultUids;
  }

  /** This node's identity from now on: its files are read again too. What cannot be used is logged there. */
  reads(identity: Pick<HubIdentity, "reload">): void {
    this.#identity = identity;
  }

  /** Reads all again, one after the other where it is asked for again meanwhile. Says in the log what has become of it. */
  reload(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#reload());
    return this.#turn;
  }

  async #reload(): Promise<void> {
    const { flags, resolve, log: { logger, setVerbosity } } = this.#options;
    let next: FlagValues;
    try {
      next = await resolve();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.log("error", "Flags cannot be read again: nothing is changed", { reason });
      return;
    }
    const changed = flags.filter((flag) => textOf(flag, next) !== textOf(flag, this.#values)).map(({ name }) => name);
    const needsRestart = flags.filter((flag) => textOf(flag, next) !== textOf(flag, this.#options.values))
      .map(({ name }) => name).filter((name) => !reloadable.has(name));
    this.#values = next;
    setVerbosity(next.integer("v"));
    await this.#identity?.reload();
    logger.log("info", "Hub has read its flags and its identity again", {
      changed: changed.filter((name) => reloadable.has(name)).join(", "),
      needsRestart: needsRestart.join(", "),
    });
  }
}

function textOf({ name, type }: Flag, values: FlagValues): string {
  switch (type) {
    case "boolean":
      return String(values.boolean(name));
    case "integer":
      return String(values.integer(name));
    case "duration":
      return String(values.durationMs(name));
    case "bytes":
      return String(values.bytes(name));
    case "list":
      return values.list(name).join(",");
    case "string":
      return values.string(name);
  }
}
