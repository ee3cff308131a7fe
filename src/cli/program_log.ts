import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import { logLevelOf } from "./common_flags.ts";
import type { FlagValues } from "./flag_values.ts";

/** The log of a program that runs. */
export interface ProgramLog {
  readonly logger: Logger;
  /** Says from now on as much as this `--v` would. */
  setVerbosity(verbosity: number): void;
}

/** The log that `--v` and `--log-format` ask for. */
export function createProgramLog(
  { createLogger }: Pick<Platform, "createLogger">,
  values: Pick<FlagValues, "integer" | "string">,
): ProgramLog {
  let level = logLevelOf(values.integer("v"));
  const format = values.string("log-format") === "json" ? "json" : "text";
  const logger = createLogger({ level: () => level, format });
  return {
    logger,
    setVerbosity(verbosity): void {
      const before = level;
      level = logLevelOf(verbosity);
      if (level !== before) logger.log("info", "The log was told how much to say", { v: verbosity, level });
    },
  };
}
