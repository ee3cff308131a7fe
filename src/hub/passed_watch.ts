import { headerOf } from "../kube/hop_by_hop.ts";
import type { Sink } from "../platform/bytes.ts";
import type { UpstreamResponse } from "../platform/upstream.ts";

export interface PassedWatchOptions {
  readonly response: UpstreamResponse;
  /** Aborted when watches are to end. */
  readonly draining: AbortSignal;
  /** Breaks the cloud's answer off. */
  readonly leave: () => void;
}

/** Where one ends: a line feed in JSON, the announced length in protobuf (`application/vnd.kubernetes.protobuf;stream=watch`). */
type Framing = "lines" | "lengths" | "unknown";

const lineFeed = 0x0a;
const lengthBytes = 4;

/** A watch of the cloud that passes through as it comes. When watches are to end it ends behind a whole event, not within one. */
export class PassedWatch {
  readonly #sink: Sink;
  readonly #options: PassedWatchOptions;
  readonly #framing: Framing;
  #isWhole = true;
  /** Of a length that is announced: its bytes so far, and their value. */
  #lengthRead = 0;
  #length = 0;
  #over = false;

  constructor(sink: Sink, options: PassedWatchOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#framing = framingOf(options.response);
    options.draining.addEventListener("abort", this.#endIfWhole);
    void sink.closed.then(() => options.draining.removeEventListener("abort", this.#endIfWhole));
    this.#endIfWhole();
  }

  /** Whether it was ended here, and has nothing more to say. */
  get over(): boolean {
    return this.#over;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#over) return undefined;
    this.#look(chunk);
    const room = this.#sink.write(chunk);
    this.#endIfWhole();
    return room;
  }

  readonly #endIfWhole = (): void => {
    if (this.#over || !this.#options.draining.aborted || !this.#isWhole || this.#framing === "unknown") return;
    this.#over = true;
    this.#sink.end();
    this.#options.leave();
  };

  #look(chunk: Uint8Array): void {
    if (this.#framing === "lengths") this.#count(chunk);
    else if (chunk.length > 0) this.#isWhole = chunk.at(-1) === lineFeed;
  }

  #count(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#lengthRead < lengthBytes) {
        this.#length = this.#length * 256 + (chunk[at++] ?? 0);
        this.#lengthRead++;
      } else {
        const taken = Math.min(this.#length, chunk.length - at);
        at += taken;
        this.#length -= taken;
      }
      if (this.#lengthRead === lengthBytes && this.#length === 0) this.#lengthRead = 0;
    }
    this.#isWhole = this.#lengthRead === 0;
  }
}

function framingOf({ rawHeaders }: UpstreamResponse): Framing {
  const encoding = headerOf(rawHeaders, "content-encoding") ?? "identity";
  if (encoding !== "identity") return "unknown";
  const type = (headerOf(rawHeaders, "content-type") ?? "").toLowerCase();
  if (type.startsWith("application/json")) return "lines";
  return type.startsWith("application/vnd.kubernetes.protobuf") ? "lengths" : "unknown";
}
