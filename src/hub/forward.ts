import { forwardHeaders, headerOf, replaceHeader } from "../kube/hop_by_hop.ts";
import { upstreamAccept } from "../kube/media_type.ts";
import { queryOf } from "../kube/resources.ts";
import { isLongRunning } from "../kube/request_info.ts";
import { serviceUnavailable, StatusError } from "../kube/status.ts";
import type { CloudResponse } from "../cloud/cloud.ts";
import { doubt, isTrusted, untrusted } from "../cloud/trust.ts";
import type { ByteSource, Sink } from "../platform/bytes.ts";
import { UpstreamError, type UpstreamResponse } from "../platform/upstream.ts";
import { concat, decodedBody, readAll } from "../replica/body.ts";
import { type Recordable, Recorder } from "../replica/recorder.ts";
import { begun, isNoApiAnswer } from "./begun_answer.ts";
import type { Call } from "./call.ts";
import { type WholeAnswer, wholeAnswer } from "./whole_answer.ts";
import { inWhoseName } from "./in_whose_name.ts";
import { readBodyOf } from "./write_body.ts";
import { pathOf } from "./object_path_of.ts";
import { isExact } from "./routing.ts";
import type { HubContext } from "./context.ts";
import { filtered, filteredAccept, filteredAnswer } from "./filtered_relay.ts";
import { relayFilteredWatch } from "./filtered_watch_relay.ts";
import { overlaid, overlaysOf } from "./overlaid_relay.ts";
import { PassedWatch } from "./passed_watch.ts";

/** A longer answer passes through unrecorded. */
const maxRecordedBytes = 64 * 1024 * 1024;

/** No Status is longer. */
const maxUnwantedBytes = 64 * 1024;

export interface ForwardOptions {
  /** Keep what the answer shows (R2). */
  readonly record: boolean;
  /** Answers in the cloud's place, where it can; false where it can't. Tried when the cloud does not answer, or not in time. */
  readonly otherwise?: () => Promise<boolean>;
  /** Takes a complete answer of success, still encoded as it came. */
  readonly taken?: (response: UpstreamResponse, body: Uint8Array) => void | Promise<void>;
  /** Told of the status of each answer of the cloud. */
  readonly answered?: (status: number) => void;
  /** The client gets nothing of an answer before that is done. It is given without its `Content-Encoding`. @default {false} */
  readonly takenFirst?: boolean;
}

/**
 * Sends a request to the cloud as it came, but for `Accept` where the answer is to be recorded (R12), and the answer back
 * byte for byte.
 */
export async function forward(context: HubContext, call: Call, options: ForwardOptions): Promise<void> {
  const attempt = new Attempt(context, call, options);
  const asked = options.record ? recordable(context, call) : undefined;
  const response = await attempt.head();
  if (response !== undefined) await relay(context, call, { response, options, asked, leave: () => attempt.leave() });
}

/** Waits for the head of the cloud's answer, but no longer than another answer can be given or the link holds. */
class Attempt {
  readonly #context: HubContext;
  readonly #call: Call;
  readonly #options: ForwardOptions;
  readonly #abort = new AbortController();

  constructor(context: HubContext, call: Call, options: ForwardOptions) {
    this.#context = context;
    this.#call = call;
    this.#options = options;
  }

  /** @returns nothing where the call was answered otherwise, or refused */
  async head(): Promise<CloudResponse | undefined> {
    const { platform, cloud, cloudReadTimeoutMs } = this.#context;
    const { exchange } = this.#call;
    if (exchange.signal.aborted) return undefined; // a client that has gone wants nothing done any more
    exchange.signal.addEventListener("abort", () => this.#abort.abort(exchange.signal.reason));
    // Who has waited for an answer since before has waited for this one too.
    const patienceMs = Math.max(0, cloudReadTimeoutMs - cloud.silentMs);
    const timer = platform.clock.setTimer(patienceMs, () => void this.#slow());
    try {
      const body = await readBodyOf(this.#call);
      const { response, first } = await this.#begun(await cloud.request(this.#request(body)));
      if (exchange.answered) return undefined;
      const isCloud = !this.#isForeign(response, first) &&
        await isTrusted(this.#context.link, response, this.#abort.signal);
      if (exchange.answered) return undefined; // by the replica, while trust was confirmed
      if (isCloud) {
        this.#options.answered?.(response.status);
        if (!await this.#isReplaced(response)) return response;
        void this.#leave(response);
        return undefined;
      }
      this.#abort.abort(new Error("not the cloud's answer"));
      throw untrusted(response);
    } catch (error) {
      await this.#failed(error);
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  /** Breaks the cloud's answer off. */
  leave(): void {
    this.#abort.abort(new Error("not wanted any more"));
  }

  /** Reads what nobody wants, where it is short and comes soon: a cloud that is ill needs no new connections beside. */
  async #leave({ body }: UpstreamResponse): Promise<void> {
    const { platform, cloudReadTimeoutMs } = this.#context;
    const timer = platform.clock.setTimer(cloudReadTimeoutMs, () => this.#abort.abort(new Error("not wanted")));
    let length = 0;
    try {
      for await (const chunk of body) if ((length += chunk.length) > maxUnwantedBytes) break;
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
    } finally {
      timer.cancel();
    }
  }

  /** @param body where it was read already */
  #request(body: Uint8Array | undefined) {
    const { exchange, info, accept } = this.#call;
    let rawHeaders = forwardHeaders(exchange.rawHeaders);
    if (this.#context.filters?.of(this.#call)?.now() !== undefined) {
      rawHeaders = replaceHeader(rawHeaders, "Accept", filteredAccept(this.#context, this.#call));
    } else if (this.#options.record && info.isResource && accept.json) {
      rawHeaders = replaceHeader(rawHeaders, "Accept", upstreamAccept(exchange.header("accept")));
    }
    const hasBody = exchange.header("content-length") !== undefined ||
      exchange.header("transfer-encoding") !== undefined ||
      !["GET", "HEAD", "DELETE"].includes(exchange.method);
    return {
      method: exchange.method,
      rawPath: exchange.rawPath,
      ...inWhoseName(this.#call, rawHeaders),
      signal: this.#abort.signal,
      longRunning: isLongRunning(info),
      movable: info.verb === "watch",
      ...(hasBody ? { body: body ?? exchange.body } : {}),
    };
  }

  /** The cloud holds the request: whether the link still works is asked at once, and a read is answered otherwise. */
  async #slow(): Promise<void> {
    this.#context.link.suspect();
    try {
      if (await this.#options.otherwise?.() === true) this.#abort.abort(new Error("answered by the replica"));
    } catch (error) {
      // What is held has no answer but an error: the cloud may still have one.
      this.#context.logger.log("debug", "A slow answer of the cloud is waited for", { error: String(error) });
    }
  }

  async #failed(error: unknown): Promise<void> {
    const { link, logger } = this.#context;
    const { exchange, info } = this.#call;
    if (!(error instanceof UpstreamError)) throw error;
    if (exchange.answered || exchange.signal.aborted) return;
    link.suspect();
    logger.log("debug", "The cloud did not answer", { path: info.path, failure: error.failure, error: error.message });
    if (await this.#options.otherwise?.() === true) return;
    this.#call.fail(outOfReach(error.message));
  }

  /** What can be answered otherwise is the cloud's once its body has begun: a link may die between head and body. */
  async #begun(response: CloudResponse): Promise<{ response: CloudResponse; first: Uint8Array | undefined }> {
    const waits = this.#options.otherwise !== undefined && !isLongRunning(this.#call.info);
    return waits ? await begun(response) : { response, first: undefined };
  }

  /** R16: what is no API answer (a portal's page) is not the cloud's word. */
  #isForeign(response: UpstreamResponse, first: Uint8Array | undefined): boolean {
    const { isResource, subresource, verb } = this.#call.info;
    // What stands behind a proxy may answer with pages; the API server never does.
    const isData = isResource ? verb !== "proxy" && subresource !== "proxy" : this.#options.taken !== undefined;
    return isData && isNoApiAnswer(this.#call, response, first);
  }

  /** A read that the cloud is too ill or too busy for is answered otherwise, where that can be true; else so it passes. */
  async #isReplaced({ status, backend }: CloudResponse): Promise<boolean> {
    const { otherwise } = this.#options;
    if (status < 500 && status !== 429) return false;
    doubt(this.#context.link, backend, this.#context.closed);
    if (otherwise === undefined) return false;
    try {
      return await otherwise();
    } catch (error) {
      if (error instanceof StatusError) return false; // what is held has no answer but an error: the cloud has one too
      throw error;
    }
  }
}

/** The refusal of what only the cloud could answer (design, section 4: 503 without `Retry-After`). */
export function outOfReach(why: string): StatusError {
  return serviceUnavailable(`The cloud is out of reach: ${why}`);
}

interface Relayed {
  readonly response: UpstreamResponse;
  readonly options: ForwardOptions;
  /** Missing where nothing is to be recorded. */
  readonly asked: Recordable | undefined;
  /** Breaks the answer off. */
  readonly leave: () => void;
}

async function relay(context: HubContext, call: Call, relayed: Relayed): Promise<void> {
  if (call.exchange.answered) return;
  const { response } = relayed;
  const overlays = overlaysOf(context, call, response);
  const answer = filteredAnswer(context, call, response);
  if (answer !== undefined) {
    if (call.info.verb === "watch") return await relayFilteredWatch(context, call, { ...relayed, answer });
    const read = () => filtered(context, call, { response, answer, overlays });
    return await relayWhole(context, call, { ...relayed, read });
  }
  if (overlays !== undefined) {
    return await relayWhole(context, call, { ...relayed, read: () => overlaid(call, response, overlays) });
  }
  if (relayed.options.takenFirst === true && keeps(call, relayed)) {
    return await relayWhole(context, call, { ...relayed, read: () => wholeAnswer(response) });
  }
  const rawHeaders = forwardHeaders(response.rawHeaders);
  const kept = keeps(call, relayed) ? new KeptBody() : undefined;
  const sink = call.respond({ status: response.status, reason: response.reason, rawHeaders }, "cloud");
  const { draining } = context;
  const isWatch = call.info.verb === "watch" && kept === undefined;
  const watch = isWatch ? new PassedWatch(sink, { response, draining, leave: relayed.leave }) : undefined;
  try {
    await copy(response.body, watch ?? sink, kept);
    if (kept?.whole !== undefined && !call.exchange.signal.aborted) {
      await take(context, call, { ...relayed, body: kept.whole });
    }
    sink.end();
  } catch (error) {
    if (watch?.over === true) return;
    sink.destroy();
    if (!(error instanceof UpstreamError)) throw error;
    if (!call.exchange.signal.aborted) context.link.suspect();
  }
}

/**
 * An answer that is kept, or changed, before the client gets it: what waits in the outbox lies over answers of the cloud too,
 * for until it has been pushed they are older.
 */
async function relayWhole(
  context: HubContext,
  call: Call,
  relayed: Relayed & { readonly read: () => Promise<WholeAnswer> },
): Promise<void> {
  const { response, read } = relayed;
  try {
    const { rawHeaders, body, came } = await read();
    if (call.exchange.answered) return;
    if (keeps(call, relayed)) {
      const plain = { ...response, rawHeaders: replaceHeader(response.rawHeaders, "Content-Encoding", undefined) };
      await take(context, call, { ...relayed, response: plain, body: came });
    }
    const sink = call.respond({ status: response.status, reason: response.reason, rawHeaders }, "cloud");
    // Until its reader has room for it, it is in memory and the request goes on.
    const room = sink.write(body);
    if (room !== undefined) await room;
    sink.end();
  } catch (error) {
    if (!(error instanceof UpstreamError || error instanceof RangeError)) {
      relayed.leave();
      throw error;
    }
    if (call.exchange.signal.aborted) return;
    if (error instanceof UpstreamError) context.link.suspect();
    call.fail(outOfReach(error.message));
  }
}

async function copy(source: ByteSource, sink: Pick<Sink, "write">, kept: KeptBody | undefined): Promise<void> {
  for await (const chunk of source) {
    kept?.push(chunk);
    const room = sink.write(chunk);
    if (room !== undefined) await room;
  }
}

/** What passes through, up to a limit: past it nothing is kept. */
class KeptBody {
  #chunks: Uint8Array[] | undefined = [];
  #length = 0;

  push(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#length > maxRecordedBytes) this.#chunks = undefined;
    // A Buffer's `slice` would be a view.
    this.#chunks?.push(new Uint8Array(chunk));
  }

  get whole(): Uint8Array | undefined {
    return this.#chunks === undefined ? undefined : concat(this.#chunks);
  }
}

function keeps(call: Call, { response, options, asked }: Relayed): boolean {
  const isSuccess = [200, 201, 202].includes(response.status);
  if (options.taken !== undefined) return isSuccess;
  if (asked === undefined || call.accept.as !== undefined || !isSuccess) return false;
  // A list of the past is no state to go on from: offline it would be answered as the newest.
  if (isExact(call.options) && call.options?.continue === "") return false;
  const json = (headerOf(response.rawHeaders, "content-type") ?? "").startsWith("application/json");
  return json && Recorder.wants(asked);
}

async function take(
  context: HubContext,
  call: Call,
  { response, body, options, asked }: Relayed & { readonly body: Uint8Array },
): Promise<void> {
  if (options.taken !== undefined) return await options.taken(response, body);
  if (asked === undefined) return;
  try {
    const plain = await readAll(decodedBody({ rawHeaders: response.rawHeaders, body: single(body) }), maxRecordedBytes);
    context.recorder.take(call.caller.scope, asked, plain);
  } catch (error) {
    // The client has its answer; a copy that cannot be taken must not break it.
    context.logger.log("warn", "An answer of the cloud could not be recorded", {
      path: call.info.path,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

function recordable({ replica }: HubContext, { info, options }: Call): Recordable {
  const { verb, group, version, resource, subresource } = info;
  const asked = { verb, group, version, resource, subresource, namespace: pathOf({ info }).namespace };
  if (verb !== "list" || options === undefined) return asked;
  const newest = options.resourceVersion === "" && options.continue === "";
  return {
    ...asked,
    query: queryOf(info, options),
    continue: options.continue,
    ...(newest ? { notOlderThan: replica.of(info).highestVersion() } : {}),
  };
}

// deno-lint-ignore require-await
async function* single(chunk: Uint8Array): ByteSource {
  yield chunk;
}
