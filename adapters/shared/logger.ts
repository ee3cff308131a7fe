import process from "node:process";
import type { Logger, LoggerOptions, LogLevel } from "../../src/platform/logger.ts";
import { type LogValue, readableFields, redactText } from "./log_fields.ts";
import { createTextOutput } from "./standard_output.ts";

const RANKS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface WriterOptions extends LoggerOptions {
  /** Where whole lines go. @default standard error */
  readonly write?: (line: string) => void;
  /** @default {Date.now} */
  readonly now?: () => number;
}

interface LogLine {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, LogValue>>;
}

/**
 * Makes a logger. Each has its own level and format (LogTape's configuration is one for the whole process, so that the
 * hubs of one test would share it). Fields whose name tells a credential are written as `[redacted]`.
 */
export function createLogger(options: WriterOptions): Logger {
  const write = options.write ?? createTextOutput(process.stderr).write;
  const now = options.now ?? Date.now;
  const format = options.format === "json" ? jsonLine : textLine;
  const { level: least } = options;
  const enabled = (level: LogLevel): boolean => RANKS[level] >= RANKS[typeof least === "function" ? least() : least];
  return {
    enabled,
    log(level, message, fields = {}): void {
      if (!enabled(level)) return;
      const line = {
        time: new Date(now()).toISOString(),
        level,
        message: redactText(message),
        fields: readableFields(fields),
      };
      write(`${format(line)}\n`);
    },
  };
}

function jsonLine(line: LogLine): string {
  return JSON.stringify(line);
}

function textLine({ time, level, message, fields }: LogLine): string {
  const parts = [time, level.toUpperCase().padEnd(5), onOneLine(message)];
  for (const [name, value] of Object.entries(fields)) parts.push(`${onOneLine(name)}=${textValue(value)}`);
  return parts.join(" ");
}

function textValue(value: LogValue): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return /^[^\s"=\p{Cc}]+$/u.test(value) ? value : JSON.stringify(value);
}

function onOneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, " ");
}
