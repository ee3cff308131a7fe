/** Runs programs of the system (ip, iptables-restore). */
export interface Commands {
  /** @throws CommandError where it cannot be started or does not end in time; an exit code other than 0 is no error here */
  run(command: string, args: readonly string[], options: RunOptions): Promise<CommandResult>;
}

/** Bounds of a run. */
export interface RunOptions {
  readonly stdin?: string;
  /** Killed after this. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** How a command ended, with what it printed, up to a limit. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command could not be run to its end. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly failure: "missing" | "denied" | "timeout" | "aborted" | "failed";

  constructor(failure: CommandError["failure"], message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.failure = failure;
  }
}
