import process from "node:process";
import type { ProcessPort } from "../../src/platform/platform.ts";
import { createTextOutput } from "./standard_output.ts";

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
/** Where Go, and with it Kubernetes, has another word. */
const GO_SYSTEMS: Readonly<Record<string, string>> = { win32: "windows" };
const GO_PROCESSORS: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
const CONTROL_C = "\u0003";
/** Key presses that wait for the reader; further ones are dropped. */
const KEYS_MAX = 32;

/**
 * Gives the process. Signals are taken over when `stop` is first read, not before: a program that only imports the
 * platform still ends at Control-C.
 */
export function createProcess(): ProcessPort {
  const stdout = createTextOutput(process.stdout);
  let stop: AbortSignal | undefined;
  return {
    environment: process.env,
    system: `${GO_SYSTEMS[process.platform] ?? process.platform}/${GO_PROCESSORS[process.arch] ?? process.arch}`,
    uid: process.geteuid?.(),
    stdout: { ...stdout, isTerminal: process.stdout.isTTY === true },
    stderr: createTextOutput(process.stderr),
    keys,
    get stop(): AbortSignal {
      stop ??= stopSignal();
      return stop;
    },
    onHangup(listener: () => void): void {
      process.on("SIGHUP", listener);
    },
  };
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const received = (name: keyof typeof EXIT_CODES): void => {
    if (stop.signal.aborted) process.exit(EXIT_CODES[name]);
    stop.abort(new Error(`Stopped by ${name}`));
  };
  process.on("SIGINT", () => received("SIGINT"));
  process.on("SIGTERM", () => received("SIGTERM"));
  return stop.signal;
}

async function* keys(signal: AbortSignal): AsyncGenerator<string> {
  const input = process.stdin;
  if (signal.aborted || input.isTTY !== true) return;
  const pressed: string[] = [];
  let wake: () => void = () => undefined;
  const take = (chunk: Uint8Array | string): void => {
    for (const key of chunk.toString()) {
      // In raw mode the terminal makes no signal of Control-C.
      if (key === CONTROL_C) process.kill(process.pid, "SIGINT");
      else if (pressed.length < KEYS_MAX) pressed.push(key);
    }
    wake();
  };
  const aborted = (): void => wake();
  input.setRawMode(true);
  input.on("data", take);
  signal.addEventListener("abort", aborted, { once: true });
  try {
    while (!signal.aborted) {
      const key = pressed.shift();
      if (key !== undefined) yield key;
      else await new Promise<void>((resolve) => wake = resolve);
    }
  } finally {
    signal.removeEventListener("abort", aborted);
    input.off("data", take);
    input.setRawMode(false);
    input.pause();
    // Else an open terminal keeps the process alive.
    input.unref();
  }
}
