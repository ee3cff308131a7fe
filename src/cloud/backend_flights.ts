import type { ByteSource } from "../platform/bytes.ts";
import { UpstreamError } from "../platform/upstream.ts";

export interface FlightOptions {
  /** The asker's own: it has gone, or wants nothing any more. */
  readonly signal: AbortSignal;
  readonly longRunning: boolean;
  /** A long one whose asker asks again elsewhere when it ends. */
  readonly movable: boolean;
}

/** Why what is under way is broken off. */
export interface BreakOptions {
  readonly reason: string;
  /** The backend still ends what it has begun: only what can move goes. */
  readonly draining: boolean;
  /** Whether there is somewhere else to ask: watches that can move then do. */
  readonly elsewhere: boolean;
}

/** One request to a backend, until its answer has ended. */
export interface Flight {
  readonly signal: AbortSignal;
  /** Its head has come. @returns the body, which tells `read` of each chunk's length and ends the flight at its end */
  answered(body: ByteSource, read: (bytes: number) => void): ByteSource;
  /** Nothing more comes of it. */
  ended(): void;
  /** Why it was broken off in the place of what the connection said. */
  reasonOf(error: unknown): unknown;
}

interface Entry extends FlightOptions {
  readonly breaker: AbortController;
  broken: UpstreamError | undefined;
  headed: boolean;
}

/** The requests that are under way to one backend, so that none waits for one that has died. */
export class BackendFlights {
  readonly #entries = new Set<Entry>();

  get size(): number {
    return this.#entries.size;
  }

  begin(options: FlightOptions): Flight {
    const entry: Entry = { ...options, breaker: new AbortController(), broken: undefined, headed: false };
    const { signal } = options;
    const gone = () => {
      entry.breaker.abort(signal.reason);
      ended();
    };
    const ended = () => {
      this.#entries.delete(entry);
      signal.removeEventListener("abort", gone);
    };
    this.#entries.add(entry);
    if (signal.aborted) gone();
    else signal.addEventListener("abort", gone);
    const reasonOf = (error: unknown) => entry.broken ?? error;
    return {
      signal: entry.breaker.signal,
      ended,
      reasonOf,
      answered: (body, read) => {
        entry.headed = true;
        return endingWith(body, { ended, reasonOf, read });
      },
    };
  }

  /**
   * Breaks off what must not outlast the backend. What is long and cannot be asked for again goes on: it may outlive a
   * short cut, and its connection tells when it does not.
   */
  break({ reason, draining, elsewhere }: BreakOptions): void {
    for (const entry of [...this.#entries]) {
      const moves = entry.longRunning && entry.movable && elsewhere;
      const dies = !draining && !(entry.longRunning && entry.headed);
      if (!moves && !dies) continue;
      entry.broken = new UpstreamError("broken", reason, { sent: true });
      entry.breaker.abort(entry.broken);
    }
  }
}

interface Reading extends Pick<Flight, "ended" | "reasonOf"> {
  readonly read: (bytes: number) => void;
}

async function* endingWith(body: ByteSource, flight: Reading): ByteSource {
  try {
    for await (const chunk of body) {
      flight.read(chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw flight.reasonOf(error);
  } finally {
    flight.ended();
  }
}
