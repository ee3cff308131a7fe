import type { Logger, LogLevel } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";

/** A logger whose level can be changed while it is used. */
export interface LevelLogger extends Logger {
  setLevel(level: LogLevel): void;
}

export function createLevelLogger({ createLogger }: Pick<Platform, "createLogger">, level: LogLevel): LevelLogger {
  let current = createLogger({ level, format: "text" });
  return {
    log: (...line) => current.log(...line),
    enabled: (asked) => current.enabled(asked),
    setLevel: (next) => void (current = createLogger({ level: next, format: "text" })),
  };
}
