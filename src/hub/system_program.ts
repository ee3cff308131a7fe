import { CommandError, type Commands } from "../platform/commands.ts";

/** A program of the system has not done what it was run for. Its message names the program and what it said. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
}

/**
 * Runs a program of the system to its end.
 *
 * @returns its standard output
 * @throws ProgramError where it is missing, takes too long or fails; the signal's reason where that was aborted
 */
export type RunProgram = (program: string, args: readonly string[], stdin?: string) => Promise<string>;

/** It waits for the lock of the tables itself, for half of this. */
const timeoutMs = 20_000;

export function programRunner(commands: Commands, signal: AbortSignal): RunProgram {
  return async (program, args, stdin) => {
    const { exitCode, stdout, stderr } = await commands.run(program, args, {
      ...(stdin === undefined ? {} : { stdin }),
      ...{ timeoutMs, signal },
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof CommandError) throw new ProgramError(error.message, { cause: error });
      throw error;
    });
    if (exitCode === 0) return stdout;
    const said = stderr.trim().split("\n")[0] ?? "";
    throw new ProgramError(`${[program, ...args].join(" ")} failed: ${said === "" ? `exit code ${exitCode}` : said}`);
  };
}
