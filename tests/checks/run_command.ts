import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The checkout that these checks belong to. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

export interface CommandOutcome {
  /** 128 where a signal ended it. */
  readonly exitCode: number;
  /** Standard output and standard error in order of arrival. */
  readonly output: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Killed after this; two minutes unless told. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 120_000;

/**
 * Runs one program with the checkout's `node_modules/.bin` first on PATH and without colours.
 *
 * @throws Error where it cannot be started
 */
export function runCommand(command: readonly string[], options: CommandOptions = {}): Promise<CommandOutcome> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...cleanEnvironment(), ...options.environment },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    const chunks: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => chunks.push(chunk));
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 128, output: chunks.join("") }));
  });
}

function cleanEnvironment(): Record<string, string | undefined> {
  const path = [join(ROOT, "node_modules", ".bin"), process.env["PATH"]].join(delimiter);
  const environment: Record<string, string | undefined> = { ...process.env, PATH: path, NO_COLOR: "1" };
  // Set for the files that `node --test` runs; a `node --test` inside of one would then run nothing and succeed.
  delete environment["NODE_TEST_CONTEXT"];
  delete environment["FORCE_COLOR"];
  return environment;
}
