import { headerOf } from "../kube/hop_by_hop.ts";
import type { RawHeaders } from "../platform/bytes.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";

/** A longer document is not kept. */
const maxDocumentBytes = 8 * 1024 * 1024;
/** What of an answer's head is kept with it. */
const keptHeaders = ["Content-Type", "Content-Encoding", "ETag", "Vary"];

export interface KeptDocument {
  readonly rawHeaders: RawHeaders;
  /** Encoded as it came. */
  readonly body: Uint8Array;
}

/** Keeps a copy of a discovery document (Discovery, OpenAPI, version), by path, query and what the client accepts. */
export function keepDocument(context: HubContext, call: Call, { rawHeaders, body }: KeptDocument): void {
  if (body.length > maxDocumentBytes) return;
  const headers = keptHeaders.flatMap((name) => {
    const value = headerOf(rawHeaders, name);
    return value === undefined ? [] : [name, value];
  });
  context.replica.store.saveDocument(question(call), { savedAt: context.platform.clock.now(), headers }, body);
}

/**
 * Answers from the last copy of the same document.
 *
 * @returns false where there is none
 */
export async function readDocument(context: HubContext, call: Call): Promise<boolean> {
  const document = await context.replica.store.document(question(call));
  if (document === undefined || call.exchange.answered) return false;
  const { headers, savedAt } = readHead(document.header);
  const ageSeconds = Math.max(0, Math.floor((context.platform.clock.now() - savedAt) / 1_000));
  const etag = headerOf(headers, "etag");
  const unchanged = etag !== undefined && call.exchange.header("if-none-match") === etag;
  const length = unchanged ? [] : ["Content-Length", String(document.body.length)];
  const rawHeaders = [...headers, ...length, "Age", String(ageSeconds)];
  const sink = call.respond(
    { status: unchanged ? 304 : 200, reason: unchanged ? "Not Modified" : "OK", rawHeaders },
    "replica",
  );
  if (!unchanged) await sink.write(document.body);
  sink.end();
  return true;
}

function question({ exchange }: Call): string {
  return [exchange.rawPath, exchange.header("accept") ?? "", exchange.header("accept-encoding") ?? ""].join(" ");
}

function readHead(header: unknown): { readonly headers: readonly string[]; readonly savedAt: number } {
  const savedAt: unknown = typeof header === "object" && header !== null && "savedAt" in header
    ? header.savedAt
    : undefined;
  const headers: unknown = typeof header === "object" && header !== null && "headers" in header
    ? header.headers
    : undefined;
  return {
    headers: Array.isArray(headers) ? headers.filter((value) => typeof value === "string") : [],
    savedAt: typeof savedAt === "number" ? savedAt : 0,
  };
}
