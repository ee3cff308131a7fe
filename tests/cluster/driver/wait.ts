/** Waits for conditions of other processes, always with a limit and always saying what was seen. */

const POLL_INTERVAL_MS = 100;

export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/**
 * Asks `probe` every 100 ms until it gives something other than undefined, false or null.
 * An error of the probe counts as "not yet".
 *
 * @throws Error that names what was waited for and what the probe saw last (its error, or what `seen` says)
 */
export async function waitFor<T>(what: string, limitMs: number, probe: Probe<T>): Promise<T> {
  const began = performance.now();
  let last: unknown;
  const seen: See = (value) => {
    last = value;
  };
  for (;;) {
    try {
      const value = await within(probe(seen), began + limitMs - performance.now(), what);
      if (value !== undefined && value !== false && value !== null) return value;
    } catch (error) {
      if (!(error instanceof NoAnswerError) || last === undefined) last = error;
    }
    if (performance.now() - began > limitMs) {
      throw new Error(`Waited ${limitMs} ms for ${what}; seen last: ${describeSeen(last)}`, { cause: last });
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

/** Checks every 100 ms for `durationMs` that `probe` throws nothing. */
export async function holdsFor(durationMs: number, probe: () => Promise<void> | void): Promise<void> {
  const began = performance.now();
  while (performance.now() - began < durationMs) {
    await probe();
    await sleep(POLL_INTERVAL_MS);
  }
}

/** Rejects after `limitMs`, whatever becomes of the promise. */
export function within<T>(promise: Promise<T> | T, limitMs: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new NoAnswerError(`No answer within ${Math.round(limitMs)} ms: ${what}`)),
      Math.max(1, limitMs),
    );
    Promise.resolve(promise).then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

/** Called by a probe to leave a note for the error message. */
export type See = (value: unknown) => void;
export type Probe<T> = (seen: See) => Promise<T | undefined | false | null> | T | undefined | false | null;

function describeSeen(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value instanceof Error) return value.message;
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? typeof value;
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
}
