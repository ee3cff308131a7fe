import { Hono } from "hono";
import { badRequest, conflict, StatusError } from "../kube/status.ts";
import { queryWords } from "../kube/query_words.ts";
import { type Removal, type Removed, removeHeld } from "../replica/removal.ts";
import type { HubContext } from "./context.ts";
import { statusResponse } from "./status_response.ts";

/** Path of the route: `DELETE /v1/cache?resource=pods&namespace=default&name=web`, `?documents=true`, `?all=true`. */
export const cachePath = "/v1/cache";

const parameters = ["resource", "namespace", "name", "documents", "all", "force"];

/** The answer of `DELETE /v1/cache`. */
export interface CacheRemoved {
  readonly collections: readonly string[];
  readonly records: number;
  readonly documents: number;
  /** Collections that still hold what was meant. */
  readonly remaining: readonly string[];
  /** Why the store has not taken it yet; the hub goes on trying. */
  readonly storeError?: string;
}

/** Lets go of what is held, while the hub runs: it alone writes its store. Who may ask is decided before it. */
export function createCacheApp(context: HubContext): Hono {
  const app = new Hono();
  app.delete(cachePath, async (c) => {
    try {
      return c.json(await remove(context, new URL(c.req.url).searchParams));
    } catch (error) {
      if (error instanceof StatusError) return statusResponse(error);
      throw error;
    }
  });
  return app;
}

async function remove(context: HubContext, asked: URLSearchParams): Promise<CacheRemoved> {
  const { replica, link, logger, pagedLists } = context;
  const removal = readRemoval(asked);
  if (link.state !== "online" && asked.get("force") !== "true") {
    throw conflict("the link to the cloud is cut: what is removed now cannot be fetched again before it is back");
  }
  const removed = describeRemoved(removeHeld(replica, removal));
  // They may hold what was meant; who is in the midst of one lists again.
  if (removal !== "documents") pagedLists.clear();
  await replica.batch.flush();
  const { collections, records, documents } = removed;
  logger.log("warn", "Parts of the cache were removed by request", { collections, records, documents });
  const { failure } = replica.batch;
  return { ...removed, ...(failure === undefined ? {} : { storeError: failure }) };
}

/** @throws StatusError 400 */
function readRemoval(asked: URLSearchParams): Removal {
  for (const name of asked.keys()) {
    if (!parameters.includes(name)) throw badRequest(`unknown parameter ${JSON.stringify(name)}`);
  }
  const text = (name: string) => asked.get(name) ?? "";
  const wanted = ["resource", "documents", "all"].filter((name) => text(name) !== "" && text(name) !== "false");
  if (wanted.length !== 1) throw badRequest("exactly one of the parameters resource, documents and all is needed");
  if (wanted[0] !== "resource" && (text("namespace") !== "" || text("name") !== "")) {
    throw badRequest(`${wanted[0]} goes with neither namespace nor name`);
  }
  if (wanted[0] === "documents" || wanted[0] === "all") return wanted[0];
  return { resource: text("resource"), namespace: text("namespace"), name: text("name") };
}

/** What was removed, in words. */
export function describeRemoved({ collections, records, documents, remaining }: Removed): CacheRemoved {
  return {
    collections: collections.map(queryWords),
    records,
    documents,
    remaining: remaining.map(queryWords),
  };
}
