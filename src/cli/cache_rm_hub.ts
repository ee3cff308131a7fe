import { z } from "zod";
import { cachePath, type CacheRemoved } from "../hub/cache_app.ts";
import { readStatus } from "../kube/status_reader.ts";
import type { Removal } from "../replica/removal.ts";
import type { CacheContext } from "./cache_store.ts";
import { askStatusServer, NoHubError, type StatusServerAnswer } from "./status_server.ts";

/** The hub answers once it has written to its store. */
const answerMs = 60_000;

const removedSchema = z.object({
  collections: z.array(z.string()),
  records: z.number(),
  documents: z.number(),
  remaining: z.array(z.string()),
  storeError: z.string().exactOptional(),
});

/** Has the running hub remove a part of what it keeps. @throws Error whose message says what the hub said, or which flags to change */
export async function removeThroughHub(context: CacheContext, removal: Removal): Promise<CacheRemoved> {
  const rawPath = `${cachePath}?${parametersOf(removal, context.values.boolean("force"))}`;
  const { server, status, body } = await ask(context, rawPath);
  if (status !== 200) throw refusal(status, readStatus(body).message);
  const removed = removedSchema.safeParse(JSON.parse(new TextDecoder().decode(body))).data;
  if (removed === undefined) throw new Error(`What listens on ${server} is no hub of this version (--serve-port)`);
  return removed;
}

async function ask(context: CacheContext, rawPath: string): Promise<StatusServerAnswer> {
  try {
    return await askStatusServer(context, { method: "DELETE", rawPath, timeoutMs: answerMs });
  } catch (error) {
    if (!(error instanceof NoHubError)) throw error;
    throw new Error(
      `The hub has the store, and its status server on ${error.server} does not answer: ${error.message}`,
      { cause: error },
    );
  }
}

function parametersOf(removal: Removal, force: boolean): URLSearchParams {
  const asked = typeof removal === "string" ? { [removal]: "true" } : { ...removal };
  const given = Object.entries({ ...asked, force: force ? "true" : "" }).filter(([, value]) => value !== "");
  return new URLSearchParams(given);
}

function refusal(status: number, message: string): Error {
  const hint = status === 409 ? " (--force)" : "";
  return new Error(`The hub refuses: ${message}${hint}`);
}
