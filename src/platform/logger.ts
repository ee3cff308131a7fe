/** From the most to the least talkative. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** How much a logger says, and in which form. */
export interface LoggerOptions {
  /** Lines below it are not written; a function is asked at each line. */
  readonly level: LogLevel | (() => LogLevel);
  /** `json`: one object per line with time, level, message and fields. `text`: the same for a human reader. */
  readonly format: "text" | "json";
}

/** Structured log lines: a constant message and fields. Never a token, Secret data or a body. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Whether lines of this level are written: lets a hot path skip making one. */
  enabled(level: LogLevel): boolean;
}
