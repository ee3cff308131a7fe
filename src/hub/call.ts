import { type Caller, nodeCaller } from "../identity/caller.ts";
import type { ListOptions } from "../kube/list_options.ts";
import type { Negotiated } from "../kube/media_type.ts";
import type { RequestInfo } from "../kube/request_info.ts";
import { statusBody, type StatusError, statusHeaders } from "../kube/status.ts";
import type { RawHeaders, Sink } from "../platform/bytes.ts";
import type { Exchange } from "../platform/exchange.ts";

/** Where an answer came from, as the header `X-Holdfast-Source` says; `hub` for its own refusals. */
export type Source = "cloud" | "replica" | "outbox" | "hub";

/** One request of the data plane on its way: what was read of it, and what was answered. */
export class Call {
  readonly exchange: Exchange;
  /** Who asks. */
  readonly caller: Caller;
  readonly info: RequestInfo;
  /** Of a list, watch or deletecollection. */
  readonly options: ListOptions | undefined;
  readonly accept: Negotiated;
  /** What the API server would refuse the read with, as far as the hub can tell. */
  readonly invalid: StatusError | undefined;
  #status = 0;
  #source: Source = "hub";

  constructor(
    exchange: Exchange,
    read: Pick<Call, "info" | "options" | "accept"> & { readonly invalid?: StatusError; readonly caller?: Caller },
  ) {
    this.exchange = exchange;
    this.caller = read.caller ?? nodeCaller;
    this.info = read.info;
    this.options = read.options;
    this.accept = read.accept;
    this.invalid = read.invalid;
  }

  /** The status that was answered; 0 where none was. */
  get status(): number {
    return this.#status;
  }
  get source(): Source {
    return this.#source;
  }

  respond(
    head: { readonly status: number; readonly reason?: string; readonly rawHeaders: RawHeaders },
    source: Source,
  ): Sink {
    this.#note(head.status, source);
    return this.exchange.respond(head.status, head.reason ?? "", [...head.rawHeaders, "X-Holdfast-Source", source]);
  }

  /** Notes that the connection was handed over to another protocol. */
  upgraded(): void {
    this.#note(101, "cloud");
  }

  /** Answers with a Status; where the answer has begun it cannot: then nothing happens. */
  fail(error: StatusError): void {
    if (this.exchange.answered) return;
    this.#note(error.code, "hub");
    const sink = this.exchange.respond(error.code, "", statusHeaders(error));
    void sink.write(statusBody(error));
    sink.end();
  }

  #note(status: number, source: Source): void {
    this.#status = status;
    this.#source = source;
  }
}
