import type { Sink } from "../platform/bytes.ts";
import { type AnswerWriter, answerWriter, negotiateForm } from "./answer_form.ts";
import { expired, resourceVersionTooLarge } from "../kube/status.ts";
import type { JsonObject } from "./api_object.ts";
import type { ApiContext, ApiRequest } from "./api_request.ts";
import type { ListOptions } from "./list_options.ts";
import { CompactedError, type StoreEvent } from "./object_store.ts";
import { qualifiedResource } from "./resource_type.ts";

/** Events that a client may be behind before its watch is ended, as the API server ends it. */
const queueLimit = 10_000;

/**
 * WATCH: the state where it is asked for (also as a WatchList), the changes since the version, then live until the time
 * is up, the client goes or the server closes. A version that is compacted away is an ERROR event with 410 `Expired`.
 *
 * @throws StatusError before the answer has begun
 */
export async function serveWatch(context: ApiContext, request: ApiRequest, options: ListOptions): Promise<void> {
  const writer = answerWriter(negotiateForm(request.exchange.header("accept")), {
    type: request.type,
    clock: context.clock,
    includeObject: request.query.get("includeObject") ?? undefined,
  });
  const current = context.objects.version;
  if (options.sendInitialEvents && (options.version ?? 0) > current) {
    throw resourceVersionTooLarge(options.version ?? 0, current, 1);
  }
  const sink = request.exchange.respond(200, "OK", [
    "Content-Type",
    "application/json",
    "Cache-Control",
    "no-cache, private",
  ]);
  await new Watch({ context, request, options, writer, sink }).run();
}

interface WatchParts {
  readonly context: ApiContext;
  readonly request: ApiRequest;
  readonly options: ListOptions;
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
    const { context, request, options, sink } = this.#parts;
    const unsubscribe = context.objects.onChange((event) => this.#enqueue(event));
    const timeout = context.clock.setTimer(options.timeoutMs ?? context.watchTimeoutMs, () => this.#end.abort());
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
    const { context, request, options } = this.#parts;
    const fromState = options.sendInitialEvents ?? !options.version;
    if (!fromState) return this.#replay();
    const version = this.#position;
    for (const object of context.objects.list(qualifiedResource(request.type)).filter(options.matches)) {
      await this.#send("ADDED", this.#parts.writer.one(object, this.#first));
    }
    if (options.sendInitialEvents) {
      await this.#sendBookmark({ version, annotations: { "k8s.io/initial-events-end": "true" } });
    }
  }

  #replay(): Promise<void> | undefined {
    const { context, options } = this.#parts;
    const from = options.version || this.#position;
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
    const { request, options } = this.#parts;
    if (event.resource !== qualifiedResource(request.type)) return undefined;
    if (options.version !== undefined && event.version <= options.version) return undefined;
    const before = event.previous !== undefined && options.matches(event.previous);
    const after = event.type !== "DELETED" && options.matches(event.object);
    if (after) return { type: before ? "MODIFIED" : "ADDED", object: event.object };
    if (!before || event.previous === undefined) return undefined;
    const { resourceVersion } = event.object.metadata;
    return {
      type: "DELETED",
      object: { ...event.previous, metadata: { ...event.previous.metadata, resourceVersion } },
    };
  }

  async #waitForChange(ended: AbortSignal): Promise<void> {
    const { context, options } = this.#parts;
    await new Promise<void>((resolve) => {
      const bookmark = context.clock.setTimer(context.bookmarkIntervalMs, () => {
        this.#bookmarkDue = options.allowWatchBookmarks;
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
    if (!this.#parts.options.allowWatchBookmarks && initial === undefined) return;
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
