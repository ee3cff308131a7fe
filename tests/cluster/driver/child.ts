import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { waitFor, within } from "./wait.ts";

export interface ChildOptions {
  /** For messages. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** stdout and stderr go here, appended. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What it is told its own name is. @default {the program} */
  readonly argv0?: string;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A process in a session of its own whose output lands in a file. */
export class Child {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when it has ended. */
  readonly ended: Promise<ChildEnd>;
  readonly #process: ChildProcess;
  #end: ChildEnd | undefined;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    const log = openSync(options.logFile, "a", 0o600);
    this.#process = spawn(options.program, options.args, {
      stdio: ["ignore", log, log],
      detached: true,
      env: { ...environmentOfOthers(), ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.argv0 === undefined ? {} : { argv0: options.argv0 }),
    });
    closeSync(log);
    if (this.#process.pid === undefined) throw new Error(`Cannot start ${options.name}: ${options.program}`);
    this.pid = this.#process.pid;
    this.ended = new Promise((resolve) => {
      this.#process.once("exit", (code, signal) => {
        this.#end = { code, signal };
        resolve(this.#end);
      });
    });
  }

  get running(): boolean {
    return this.#end === undefined;
  }

  /** All that it has written so far. */
  log(): string {
    return readFileSync(this.logFile, "utf8");
  }

  /** Sends the signal and, for SIGKILL, waits for the end. */
  async kill(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    if (!this.running) return;
    process.kill(this.pid, signal);
    if (signal === "SIGKILL") await within(this.ended, 5_000, `the end of ${this.name}`);
  }

  /** SIGTERM, and SIGKILL where that does not end it within the limit. Says which of the two it took. */
  async stop(limitMs = 10_000): Promise<"ended" | "killed"> {
    if (!this.running) return "ended";
    process.kill(this.pid, "SIGCONT");
    process.kill(this.pid, "SIGTERM");
    try {
      await within(this.ended, limitMs, `the end of ${this.name}`);
      return "ended";
    } catch {
      await this.kill("SIGKILL");
      return "killed";
    }
  }

  /** Waits until the probe says yes; an earlier end of the process is an error with the tail of its log. */
  async waitUntil<T>(what: string, limitMs: number, probe: () => Promise<T | undefined> | T | undefined): Promise<T> {
    const result = await waitFor<{ value: T } | "ended">(what, limitMs, async (seen) => {
      if (!this.running) return "ended";
      seen(tail(this.log()));
      const value = await probe();
      return value === undefined ? undefined : { value };
    });
    if (result !== "ended") return result.value;
    throw new Error(`${this.name} ended (${JSON.stringify(this.#end)}) before ${what}:\n${tail(this.log())}`);
  }
}

/** Ours without the variables that a hub would take for its flags, or for mistaken ones. */
function environmentOfOthers(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("HOLDFAST_")));
}

function tail(text: string, lines = 20): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
