import type { Sink } from "../platform/bytes.ts";
import { type AnswerWriter, answerWriter, negotiateForm } from "./answer_form.ts";
import { expired, resourceVersionTooLarge } from "../kube/status.ts";
import type { JsonObject } from "./api_object.ts";
import type { ApiContext, ApiRequest } from "./api_request.ts";
import type { ListQuery } from "./list_query.ts";
import { CompactedError, type StoreEvent } from "./object_store.ts";
import { qualifiedResource } from "./resource_type.ts";

/** Events that a client may be behind before its watch is ended, as the API server ends it. */
const queueLimit = 10_000;

/**
 * WATCH: the state where it is asked for (also as a WatchList), the changes since the version, then live until the time
 * is up, the client goes or the server closes. A version that is compacted away is an ERROR event with 410 `Expired`, a
 * WatchList of one that is not yet one with 504 `Timeout`.
 *
 * @throws StatusError before the answer has begun
 */
export async function serveWatch(context: ApiContext, request: ApiRequest, query: ListQuery): Promise<void> {
  const writer = answerWriter(negotiateForm(request.exchange.header("accept")), {
    type: request.type,
    clock: context.clock,
    includeObject: request.info.query.get("includeObject") ?? undefined,
  });
  const sink = request.exchange.respond(200, "OK", [
    "Content-Type",
    "application/json",
    "Cache-Control",
    "no-cache, private",
  ]);
  await new Watch({ context, request, query, writer, sink }).run();
}

interface WatchParts {
  readonly context: ApiContext;
  readonly request: ApiRequest;
  readonly query: ListQuery;
  readonly writer: AnswerWriter;
  readonly sink: Sink;
}

class Watch {
  readonly #parts: WatchParts;
  readonly #end = new AbortController();
  readonly #queue: StoreEvent[] = [];
  #position: number;
  #first = true;
  #bookmarkDue = false;
  #wake: () => void = () => {};

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#position = parts.context.objects.version;
  }

  async run(): Promise<void> {
    const { context, request, query, sink } = this.#parts;
    const unsubscribe = context.objects.onChange((event) => this.#enqueue(event));
    const timeout = context.clock.setTimer(watchTimeoutMs(context, query), () => this.#end.abort());
    const ended = AbortSignal.any([this.#end.signal, request.exchange.signal, context.closing]);
    ended.addEventListener("abort", () => this.#wake());
    try {
      await this.#sendState();
      while (!ended.aborted) {
        await this.#sendQueued();
        if (!ended.aborted && this.#queue.length === 0) await this.#waitForChange(ended);
        if (this.#bookmarkDue) await this.#sendBookmark();
      }
      if (!request.exchange.signal.aborted) await this.#sendBookmark();
    } finally {
      timeout.cancel();
      unsubscribe();
      sink.end();
    }
  }

  #enqueue(event: StoreEvent): void {
    if (this.#queue.length >= queueLimit) this.#end.abort();
    else this.#queue.push(event);
    this.#wake();
  }

  async #sendState(): Promise<void> {
    const { context, request, query } = this.#parts;
    if (!query.options.sendInitialEvents) return this.#replay();
    const version = this.#position;
    if (query.version > version) {
      this.#end.abort();
      return await this.#send("ERROR", resourceVersionTooLarge(query.version, version, 1).status());
    }
    for (const object of context.objects.list(qualifiedResource(request.type)).filter(query.matches)) {
      await this.#send("ADDED", this.#parts.writer.one(object, this.#first));
    }
    await this.#sendBookmark({ version, annotations: { "k8s.io/initial-events-end": "true" } });
  }

  #replay(): Promise<void> | undefined {
    const { context, query } = this.#parts;
    const from = query.version || this.#position;
    try {
      if (from < this.#position) this.#queue.unshift(...context.objects.changesAfter(from));
      else this.#position = from;
      return undefined;
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      this.#end.abort();
      return this.#send("ERROR", expired(`too old resource version: ${from} (${this.#position})`).status());
    }
  }

  async #sendQueued(): Promise<void> {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      const frame = this.#frameOf(event);
      if (frame) await this.#send(frame.type, this.#parts.writer.one(frame.object, this.#first));
      this.#position = Math.max(this.#position, event.version);
    }
  }

  /** The event as this watch sees it: an object that leaves the selection is deleted, one that enters it is added. */
  #frameOf(event: StoreEvent): Pick<StoreEvent, "type" | "object"> | undefined {
    const { request, query } = this.#parts;
    if (event.resource !== qualifiedResource(request.type)) return undefined;
    if (event.version <= query.version) return undefined;
    const before = event.previous !== undefined && query.matches(event.previous);
    const after = event.type !== "DELETED" && query.matches(event.object);
    if (after) return { type: before ? "MODIFIED" : "ADDED", object: event.object };
    if (!before || event.previous === undefined) return undefined;
    const { resourceVersion } = event.object.metadata;
    return {
      type: "DELETED",
      object: { ...event.previous, metadata: { ...event.previous.metadata, resourceVersion } },
    };
  }

  async #waitForChange(ended: AbortSignal): Promise<void> {
    const { context, query } = this.#parts;
    await new Promise<void>((resolve) => {
      const bookmark = context.clock.setTimer(context.bookmarkIntervalMs, () => {
        this.#bookmarkDue = query.options.allowWatchBookmarks;
        resolve();
      });
      this.#wake = () => {
        bookmark.cancel();
        resolve();
      };
      if (ended.aborted || this.#queue.length > 0) this.#wake();
    });
  }

  async #sendBookmark(initial?: { readonly version: number; readonly annotations: JsonObject }): Promise<void> {
    this.#bookmarkDue = false;
    if (!this.#parts.query.options.allowWatchBookmarks) return;
    const { version = this.#position, annotations } = initial ?? {};
    await this.#send(
      "BOOKMARK",
      this.#parts.writer.bookmark({ resourceVersion: String(version), ...(annotations ? { annotations } : {}) }),
    );
  }

  async #send(type: string, object: object): Promise<void> {
    const { context, request, sink } = this.#parts;
    this.#first = false;
    await context.flowing(request.exchange.signal);
    await sink.write(new TextEncoder().encode(`${JSON.stringify({ type, object })}\n`));
  }
}

function watchTimeoutMs(context: ApiContext, query: ListQuery): number {
  const { timeoutSeconds = 0 } = query.options;
  return timeoutSeconds > 0 ? timeoutSeconds * 1000 : context.watchTimeoutMs;
}
