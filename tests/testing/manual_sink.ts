import type { Sink } from "../../src/platform/bytes.ts";

/** A sink whose reader reads when the test says so. */
export class ManualSink implements Sink {
  readonly closed: Promise<boolean>;
  #text = "";
  #full = false;
  #room: (() => void) | undefined;
  #close: (complete: boolean) => void = () => undefined;
  #ended = false;

  constructor() {
    this.closed = new Promise((resolve) => this.#close = resolve);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** From now on each write waits for `drain`. */
  fill(): void {
    this.#full = true;
  }

  drain(): void {
    this.#full = false;
    this.#room?.();
  }

  /** The client goes away. */
  leave(): void {
    this.#close(false);
    this.drain();
  }

  /** Takes the lines that have come. */
  lines(): string[] {
    const lines = this.#text.split("\n").filter((line) => line !== "");
    this.#text = "";
    return lines;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#text += new TextDecoder().decode(chunk);
    return this.#full ? new Promise((resolve) => this.#room = resolve) : undefined;
  }

  end(): void {
    this.#ended = true;
    this.#close(true);
  }

  destroy(): void {
    this.leave();
  }
}
