import { forwardHeaders, replaceHeader } from "../kube/hop_by_hop.ts";
import { readObjectMeta } from "../kube/object_meta.ts";
import { expired, StatusError } from "../kube/status.ts";
import { frameError, frameEvent, WatchDecoder, type WatchFrame } from "../kube/watch_codec.ts";
import type { Sink } from "../platform/bytes.ts";
import { UpstreamError, type UpstreamResponse } from "../platform/upstream.ts";
import { decodedBody } from "../replica/body.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { checkFiltered, type FilteredAnswer } from "./filtered_relay.ts";

/** Objects that are remembered as not shown, of one watch; of further ones a deletion may be told twice. */
const maxHidden = 10_000;

export interface RelayedWatch {
  readonly response: UpstreamResponse;
  readonly answer: FilteredAnswer;
  /** Breaks the cloud's answer off. */
  readonly leave: () => void;
}

/**
 * Relays a watch of the cloud that no collection can answer, each event through the client's filter. What the cloud has sent
 * before is not held here: when another filter counts the client has to list again (410).
 */
export async function relayFilteredWatch(
  context: HubContext,
  call: Call,
  { response, answer, leave }: RelayedWatch,
): Promise<void> {
  checkFiltered(response);
  const rawHeaders = replaceHeader(forwardHeaders(response.rawHeaders), "Content-Encoding", undefined);
  const sink = call.respond({ status: response.status, reason: response.reason, rawHeaders }, "cloud");
  const filter = context.filters?.of(call);
  const { resourceVersion = "" } = call.options ?? {};
  if (resourceVersion !== "" && resourceVersion !== "0" && filter?.isUnknownAt(resourceVersion) === true) {
    leave();
    return refuse(sink, expired("The filters for this client may have changed since"));
  }
  const changed = () => {
    if (filter?.now() === answer.filter || over) return;
    over = true;
    refuse(sink, expired("The filters for this client have changed"));
    leave();
  };
  let over = false;
  const stop = context.filters?.onChange(changed);
  // What the client has are whole events: it ends between two of them.
  const drained = () => {
    if (over) return;
    over = true;
    sink.end();
    leave();
  };
  context.draining.addEventListener("abort", drained);
  if (context.draining.aborted) drained();
  try {
    await copyFiltered(decodedBody(response), sink, new FilteredEvents(answer));
    if (!over) sink.end();
  } catch (error) {
    if (over) return;
    if (error instanceof StatusError) {
      leave();
      return refuse(sink, error);
    }
    sink.destroy();
    if (!(error instanceof UpstreamError)) throw error;
    if (!call.exchange.signal.aborted) context.link.suspect();
  } finally {
    context.draining.removeEventListener("abort", drained);
    stop?.();
  }
}

function refuse(sink: Sink, error: StatusError): void {
  void sink.write(frameError(error));
  sink.end();
}

async function copyFiltered(source: AsyncIterable<Uint8Array>, sink: Sink, events: FilteredEvents): Promise<void> {
  const decoder = new WatchDecoder();
  let over = false;
  void sink.closed.then(() => over = true);
  for await (const chunk of source) {
    for (const frame of decoder.push(chunk)) {
      if (over) return;
      const shown = events.shown(frame);
      const room = shown === undefined ? undefined : sink.write(shown);
      if (room !== undefined) await room;
    }
  }
}

/** The events of one watch as its client gets them. */
class FilteredEvents {
  readonly #answer: FilteredAnswer;
  readonly #hidden = new Set<string>();

  constructor(answer: FilteredAnswer) {
    this.#answer = answer;
  }

  /** @throws StatusError where a filter fails */
  shown({ type, object }: WatchFrame): Uint8Array | undefined {
    const { filter, form } = this.#answer;
    if (type === "ERROR") return frameEvent(type, object);
    const meta = readObjectMeta(object);
    const formed = (bytes: Uint8Array) => form?.object(bytes, meta.resourceVersion) ?? bytes;
    if (type === "BOOKMARK") return frameEvent(type, formed(object));
    const shown = filter.show(meta, object);
    const wasHidden = this.#hidden.delete(meta.uid);
    if (shown === undefined) {
      if (type !== "DELETED" && this.#hidden.size < maxHidden) this.#hidden.add(meta.uid);
      return type === "ADDED" || wasHidden ? undefined : frameEvent("DELETED", formed(object));
    }
    return frameEvent(wasHidden && type === "MODIFIED" ? "ADDED" : type, formed(shown));
  }
}
