import type { ByteSource } from "../../src/platform/bytes.ts";
import type { Clock } from "../../src/platform/clock.ts";

/** A sender that keeps this up is never too slow. */
const BYTES_PER_SECOND = 1024;

/** How slow the senders of bodies may be. */
export interface BodyPatience {
  /** How long bytes are waited for altogether, beside a second for each KiB that has come. Milliseconds. */
  readonly patienceMs: number;
  readonly clock: Clock;
  /** Told of each that was too slow. */
  readonly gaveUp: () => void;
}

export interface PatientSourceOptions extends BodyPatience {
  /** Whether nobody waits for the body any more: it may then take for ever, as what streams in both directions does. */
  readonly isAnswered: () => boolean;
  /** Cuts the connection, or stream, for this reason. */
  readonly cut: (reason: Error) => void;
}

/**
 * A request's body whose sender must go on sending. Only what is waited for counts: that nobody reads it, because the cloud
 * takes it slowly, is not its sender's fault.
 */
export function createPatientSource(source: ByteSource, options: PatientSourceOptions): ByteSource {
  const iterator = new PatientIterator(source[Symbol.asyncIterator](), options);
  return { [Symbol.asyncIterator]: () => iterator };
}

class PatientIterator implements AsyncIterator<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #options: PatientSourceOptions;
  #restMs: number;

  constructor(source: AsyncIterator<Uint8Array>, options: PatientSourceOptions) {
    this.#source = source;
    this.#options = options;
    this.#restMs = options.patienceMs;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      const { clock, isAnswered, gaveUp, cut } = this.#options;
      const since = clock.monotonic();
      const timer = clock.setTimer(Math.max(0, this.#restMs), () => {
        if (isAnswered()) return;
        const reason = new Error("The client sends its request too slowly");
        reject(reason);
        gaveUp();
        cut(reason);
      });
      const came = (result: IteratorResult<Uint8Array>): void => {
        timer.cancel();
        const earnedMs = result.done === true ? 0 : result.value.byteLength * 1_000 / BYTES_PER_SECOND;
        this.#restMs += earnedMs - (clock.monotonic() - since);
        resolve(result);
      };
      const failed = (error: unknown): void => {
        timer.cancel();
        reject(error);
      };
      this.#source.next().then(came, failed);
    });
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.#source.return?.();
    return { done: true, value: undefined };
  }
}
