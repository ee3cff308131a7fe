import type { Clock, Timer } from "../../src/platform/clock.ts";
import type { ByteSource } from "../../src/platform/bytes.ts";
import { UpstreamError, type UpstreamRequest, type UpstreamResponse } from "../../src/platform/upstream.ts";

const encoder = new TextEncoder();

/**
 * One request on its way to the cloud and its answer on its way back: what is sent arrives in order, each piece after its
 * delay, unless the connection breaks or swallows it.
 */
export class SimFlow {
  readonly response: Promise<UpstreamResponse>;
  readonly longRunning: boolean;
  /** Nothing passes any more, and nobody says so. */
  swallowed = false;
  /** What each piece of this flow takes longer than the others'. */
  lagMs = 0;
  readonly #clock: Clock;
  readonly #request: UpstreamRequest;
  readonly #finished: (flow: SimFlow) => void;
  readonly #timers = new Set<Timer>();
  readonly #queue: Uint8Array[] = [];
  #resolve: (response: UpstreamResponse) => void = () => undefined;
  #reject: (error: UpstreamError) => void = () => undefined;
  #error: UpstreamError | undefined;
  #ended = false;
  #open = true;
  #lastDueMs = 0;
  #wake: () => void = () => undefined;

  constructor(clock: Clock, request: UpstreamRequest, finished: (flow: SimFlow) => void) {
    this.#clock = clock;
    this.#request = request;
    this.#finished = finished;
    this.longRunning = request.longRunning === true;
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (request.signal.aborted) this.#aborted();
    else request.signal.addEventListener("abort", this.#aborted);
  }

  get open(): boolean {
    return this.#open;
  }

  /** Runs `arrive` after what was sent before has arrived and the delay has passed; never where the flow is over. */
  after(delayMs: number, arrive: () => void): void {
    const now = this.#clock.monotonic();
    this.#lastDueMs = Math.max(this.#lastDueMs, now + delayMs + this.lagMs);
    const timer = this.#clock.setTimer(this.#lastDueMs - now, () => {
      this.#timers.delete(timer);
      if (this.#open && !this.swallowed) arrive();
    });
    this.#timers.add(timer);
  }

  head(status: number, rawHeaders: readonly string[]): void {
    this.#resolve({ status, reason: "", rawHeaders, body: this.#body() });
  }

  /** What comes after the end is lost, as with any connection. */
  push(text: string): void {
    if (text === "" || this.#ended) return;
    this.#queue.push(encoder.encode(text));
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Breaks it off: the head that did not come, or the rest of the body. */
  break(error: UpstreamError): void {
    if (!this.#open) return;
    this.#error ??= error;
    this.#reject(error);
    this.#finish();
    this.#wake();
  }

  readonly #aborted = (): void => {
    this.break(new UpstreamError("aborted", "The request was aborted", { sent: true }));
  };

  async *#body(): ByteSource {
    try {
      for (;;) {
        const chunk = this.#queue.shift();
        if (chunk !== undefined) yield chunk;
        else if (this.#error !== undefined) throw this.#error;
        else if (this.#ended) return;
        else await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      this.#finish();
    }
  }

  #finish(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#request.signal.removeEventListener("abort", this.#aborted);
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#finished(this);
  }
}
