import type { Platform } from "../platform/platform.ts";
import type { Flag } from "./flag.ts";
import type { FlagValues } from "./flag_values.ts";

/** What a command takes beside its flags. */
export interface Argument {
  /** `RESOURCE[/NAME]`. */
  readonly placeholder: string;
  readonly help: string;
  readonly required: boolean;
}

/** One command of `holdfast`, as data: the adapters make the command line of it. */
export interface Command {
  /** One word, or two where it is one of several of a kind: `hub`, `cache ls`. */
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly argument?: Argument;
  /** What they say, in the words of its help. @default 0 done, 1 failed, 2 wrong flags, environment or configuration file */
  readonly exitCodes?: readonly (readonly [code: number, meaning: string])[];
  /** Of the command whose `--config` file it may share: those keys are no errors there. */
  readonly fileFlags?: readonly Flag[];
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
  /** Puts the flags together anew: the file of `--config` may have changed. @throws UsageError, FileError */
  readonly resolve: () => Promise<FlagValues>;
  /** Empty where none is given. */
  readonly argument: string;
  /** Version of the runtime: `24.21.0`. */
  readonly runtimeVersion: string;
}
