import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The runtime that runs the tests. */
export const runtime: "node" | "bun" | "deno" = process.versions["deno"] !== undefined
  ? "deno"
  : process.versions["bun"] !== undefined
  ? "bun"
  : "node";

export interface ChildProgram {
  readonly child: ChildProcess;
  /** Sends a signal. Not by `child.kill`: on Deno 2.9 a second one of it does nothing. */
  kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL" | "SIGHUP" | "SIGSTOP" | "SIGCONT"): void;
  /** All that it has written to standard output so far. */
  output(): string;
  /** Resolves once standard output has this text; rejects where the program ends before. */
  waitFor(text: string): Promise<void>;
  /** The same of standard error. */
  errors(): string;
  waitForError(text: string): Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly stderr: string }>;
}

/** Starts a TypeScript file of the tests in a process of its own, on the runtime that runs the tests. */
export function startProgram(
  url: URL,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProgram {
  return startCommand(commandOf(url, args), environment);
}

/** The words that start a TypeScript file on the runtime that runs the tests. */
export function commandOf(url: URL, args: readonly string[]): readonly [string, ...string[]] {
  const file = fileURLToPath(url);
  return runtime === "deno" ? [process.execPath, "run", "-A", file, ...args] : [process.execPath, file, ...args];
}

/** As `startProgram`, for any program. */
export function startCommand(
  [command, ...args]: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>> = {},
): ChildProgram {
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  let output = "";
  let stderr = "";
  const chunks = new EventTarget();
  child.stdout.on("data", (chunk: Uint8Array) => {
    output += chunk.toString();
    chunks.dispatchEvent(new Event("chunk"));
  });
  child.stderr.on("data", (chunk: Uint8Array) => {
    stderr += chunk.toString();
    chunks.dispatchEvent(new Event("chunk"));
  });
  const ended = once(child, "close").then(() => ({ exitCode: child.exitCode, stderr }));
  const appears = (text: string, written: () => string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (written().includes(text)) resolve();
      };
      chunks.addEventListener("chunk", look);
      look();
      void ended.then(() => reject(new Error(`The program ended without "${text}": ${output}${stderr}`)));
    });
  return {
    child,
    kill: (signal) => {
      if (child.pid === undefined) throw new Error(`The program ${command} could not be started`);
      process.kill(child.pid, signal);
    },
    output: () => output,
    errors: () => stderr,
    ended,
    waitFor: (text) => appears(text, () => output),
    waitForError: (text) => appears(text, () => stderr),
  };
}
