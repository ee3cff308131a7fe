import { headerOf } from "../kube/hop_by_hop.ts";
import type { RawHeaders } from "../platform/bytes.ts";
import type { StoredDocument } from "../replica/document_rows.ts";
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
  const kept = keptHeaders.flatMap((name) => {
    const value = headerOf(rawHeaders, name);
    return value === undefined ? [] : [name, value];
  });
  void context.discovery?.take({ path: call.info.path, rawHeaders, body });
  context.replica.documents.save(question(call), { savedAt: context.platform.clock.now(), rawHeaders: kept, body });
}

/**
 * Answers from the last copy of the same document.
 *
 * @returns false where there is none
 */
export async function readDocument(context: HubContext, call: Call): Promise<boolean> {
  const document = await load(context, call);
  if (document === undefined || call.exchange.answered) return false;
  const { body, savedAt } = document;
  const ageSeconds = Math.max(0, Math.floor((context.platform.clock.now() - savedAt) / 1_000));
  const etag = headerOf(document.rawHeaders, "etag");
  const unchanged = etag !== undefined && call.exchange.header("if-none-match") === etag;
  const length = unchanged ? [] : ["Content-Length", String(body.length)];
  const rawHeaders = [...document.rawHeaders, ...length, "Age", String(ageSeconds)];
  const sink = call.respond(
    { status: unchanged ? 304 : 200, reason: unchanged ? "Not Modified" : "OK", rawHeaders },
    "replica",
  );
  if (!unchanged) void sink.write(body);
  sink.end();
  return true;
}

async function load(context: HubContext, call: Call): Promise<StoredDocument | undefined> {
  try {
    return await context.replica.documents.load(question(call));
  } catch (error) {
    context.logger.log("error", "A stored document cannot be read", { path: call.info.path, error: String(error) });
    return undefined;
  }
}

/** The same document is asked for by the same path, query and Accept; a time limit is no part of the question. */
function question({ exchange, info }: Call): string {
  const query = new URLSearchParams(info.query);
  query.delete("timeout");
  return [info.path, String(query), exchange.header("accept") ?? "", exchange.header("accept-encoding") ?? ""].join(
    " ",
  );
}
