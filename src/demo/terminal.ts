import type { Clock } from "../platform/clock.ts";
import type { ProcessPort } from "../platform/platform.ts";

/** Short lines for a reader; coloured on a terminal only. */
export interface Terminal {
  heading(text: string): void;
  line(text?: string): void;
  /** Prints whether a step was true. */
  result(text: string, outcome: { readonly ok: boolean; readonly note: string }): void;
}

const codes = { bold: "1", red: "31", green: "32", dim: "2" } as const;

/** Writes to standard output. `NO_COLOR` (https://no-color.org) switches colours off. */
export function createTerminal({ stdout, environment }: ProcessPort): Terminal {
  const coloured = stdout.isTerminal && !environment["NO_COLOR"];
  const paint = (code: keyof typeof codes, text: string): string =>
    coloured ? `\u001b[${codes[code]}m${text}\u001b[0m` : text;
  const line = (text = ""): void => stdout.write(`${text}\n`);
  return {
    line,
    heading: (text) => line(`\n${paint("bold", text)}`),
    result: (text, { ok, note }) =>
      line(
        `  ${ok ? paint("green", "✓") : paint("red", "✗")} ${text}${
          note === "" ? "" : ` ${paint("dim", `(${note})`)}`
        }`,
      ),
  };
}

export interface UntilOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const pollMs = 25;

/**
 * Waits until a check holds.
 *
 * @returns whether it did in time; a check that throws does not hold
 * @throws the signal's reason
 */
export async function until(check: () => boolean | Promise<boolean>, options: UntilOptions): Promise<boolean> {
  const { clock, timeoutMs, signal } = options;
  const deadline = clock.monotonic() + timeoutMs;
  for (;;) {
    if (await holds(check)) return true;
    if (clock.monotonic() >= deadline) return false;
    await clock.sleep(pollMs, signal);
  }
}

async function holds(check: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
