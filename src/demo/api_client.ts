import type { ByteSource } from "../platform/bytes.ts";
import type { CreateUpstream, Upstream, UpstreamRequest } from "../platform/upstream.ts";
import { fieldText, isJsonObject, type JsonObject } from "./api_object.ts";

/** An answer as JSON; an empty object where it is none. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: JsonObject;
  /** `X-Holdfast-Source`: replica, cloud; empty where none is said. */
  readonly source: string;
}

export interface ApiCall {
  readonly method?: string;
  readonly path: string;
  readonly body?: JsonObject;
  /** @default {"application/json"} */
  readonly contentType?: string;
  readonly signal: AbortSignal;
}

export interface ApiEvent {
  readonly type: string;
  readonly object: JsonObject;
}

/** A plain client of one API server, for the simulated kubelet and for the story. */
export interface ApiClient {
  /** @throws UpstreamError where no answer came */
  call(call: ApiCall): Promise<ApiAnswer>;
  /** The events of a watch until its end. @throws UpstreamError where it breaks, WatchRefusedError where it does not begin */
  watch(path: string, signal: AbortSignal): AsyncGenerator<ApiEvent>;
  close(): Promise<void>;
}

/** The watch was answered with a status other than 200. */
export class WatchRefusedError extends Error {
  override readonly name = "WatchRefusedError";
}

/** Makes a client of `http://127.0.0.1:<port>`. */
export function createApiClient(createUpstream: CreateUpstream, origin: string): ApiClient {
  const upstream = createUpstream({ origin });
  const { host } = new URL(origin);
  return {
    call: (call) => request(upstream, host, call),
    watch: (path, signal) => watch(upstream, { path, host, signal }),
    close: () => upstream.close(0),
  };
}

async function request(upstream: Upstream, host: string, call: ApiCall): Promise<ApiAnswer> {
  const { method = "GET", path, body, contentType = "application/json", signal } = call;
  const payload = body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(body));
  const rawHeaders = ["Host", host, "Accept", "application/json", "User-Agent", "holdfast-demo"];
  const content: Partial<UpstreamRequest> = payload === undefined ? {} : { body: payload };
  if (payload) rawHeaders.push("Content-Type", contentType, "Content-Length", String(payload.byteLength));
  const response = await upstream.request({ method, rawPath: path, rawHeaders, signal, ...content });
  return {
    status: response.status,
    body: jsonObject(await readText(response.body)),
    source: headerOf(response.rawHeaders, "x-holdfast-source"),
  };
}

async function* watch(
  upstream: Upstream,
  { path, host, signal }: { readonly path: string; readonly host: string; readonly signal: AbortSignal },
): AsyncGenerator<ApiEvent> {
  const rawHeaders = ["Host", host, "Accept", "application/json", "User-Agent", "holdfast-demo"];
  const response = await upstream.request({ method: "GET", rawPath: path, rawHeaders, signal, longRunning: true });
  if (response.status !== 200) {
    const { message } = jsonObject(await readText(response.body));
    throw new WatchRefusedError(`Watch was answered ${response.status}: ${String(message)}`);
  }
  for await (const line of lines(response.body)) {
    const event = jsonObject(line);
    const { object } = event;
    if (isJsonObject(object)) yield { type: fieldText(event, "type"), object };
  }
}

async function* lines(body: ByteSource): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const complete = text.split("\n");
    text = complete.pop() ?? "";
    yield* complete;
  }
}

async function readText(body: ByteSource): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

function jsonObject(text: string): JsonObject {
  const value: unknown = text.startsWith("{") ? JSON.parse(text) : {};
  return isJsonObject(value) ? value : {};
}

function headerOf(rawHeaders: readonly string[], name: string): string {
  const index = rawHeaders.findIndex((header, at) => at % 2 === 0 && header.toLowerCase() === name);
  return index < 0 ? "" : rawHeaders[index + 1] ?? "";
}
