import { type ChildProcess, spawn } from "node:child_process";
import { CommandError, type CommandResult, type Commands, type RunOptions } from "../../src/platform/commands.ts";
import { clock } from "./clock.ts";
import { errorCode } from "./error_code.ts";

/** Bytes kept of each of standard output and standard error; a program that writes more is killed. */
export const COMMAND_OUTPUT_BYTES_MAX: number = 1024 * 1024;

/** Runs programs with `node:child_process`, without a shell. */
export const commands: Commands = { run };

function run(command: string, args: readonly string[], options: RunOptions): Promise<CommandResult> {
  if (options.signal.aborted) {
    return Promise.reject(
      new CommandError("aborted", `Cannot run ${command}: aborted`, { cause: options.signal.reason }),
    );
  }
  let child: ChildProcess;
  try {
    child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  } catch (cause) {
    return Promise.reject(startError(command, cause));
  }
  return new Promise((resolve, reject) => {
    const end = new AbortController();
    const fail = (error: CommandError): void => {
      end.abort();
      kill(child);
      reject(error);
    };
    const tooMuch = (): void =>
      fail(new CommandError("failed", `Cannot run ${command}: output exceeds ${COMMAND_OUTPUT_BYTES_MAX} bytes`));
    const stdout = capture(child.stdout, tooMuch);
    const stderr = capture(child.stderr, tooMuch);
    const timer = clock.setTimer(
      options.timeoutMs,
      () => fail(new CommandError("timeout", `Cannot run ${command}: did not end within ${options.timeoutMs} ms`)),
    );
    end.signal.addEventListener("abort", () => timer.cancel());
    options.signal.addEventListener(
      "abort",
      () => fail(new CommandError("aborted", `Cannot run ${command}: aborted`, { cause: options.signal.reason })),
      { signal: end.signal },
    );
    child.on("error", (cause) => fail(startError(command, cause)));
    child.on("close", (exitCode, killedBy) => {
      if (exitCode === null) {
        fail(new CommandError("failed", `Cannot run ${command}: ended by ${killedBy}`));
        return;
      }
      end.abort();
      resolve({ exitCode, stdout: stdout(), stderr: stderr() });
    });
    feed(child, options.stdin ?? "");
  });
}

function feed(child: ChildProcess, text: string): void {
  // A program may end without reading its input (EPIPE): its exit code tells what happened.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(text);
}

function capture(stream: ChildProcess["stdout"], tooMuch: () => void): () => string {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  stream?.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > COMMAND_OUTPUT_BYTES_MAX) tooMuch();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

function kill(child: ChildProcess): void {
  child.kill("SIGKILL");
  // A grandchild may hold the pipes open: without this they would be read until it ends.
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.stdin?.destroy();
}

function startError(command: string, cause: unknown): CommandError {
  const code = errorCode(cause);
  const failure = code === "ENOENT" ? "missing" : code === "EACCES" || code === "EPERM" ? "denied" : "failed";
  return new CommandError(failure, `Cannot run ${command}: ${code ?? String(cause)}`, { cause });
}
