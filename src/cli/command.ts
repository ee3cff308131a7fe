import type { Platform } from "../platform/platform.ts";
import type { Flag } from "./flag.ts";
import type { FlagValues } from "./flag_values.ts";

/** One command of `holdfast`, as data: the adapters make the command line of it. */
export interface Command {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly flags: readonly Flag[];
  /**
   * Runs until it is done or `platform.process.stop` is aborted.
   *
   * @returns the exit code
   * @throws UsageError where the flags do not go together
   */
  run(context: CommandContext): Promise<number>;
}

/** What a command is run with. */
export interface CommandContext {
  readonly platform: Platform;
  readonly values: FlagValues;
  /** Version of the runtime: `24.21.0`. */
  readonly runtimeVersion: string;
}
