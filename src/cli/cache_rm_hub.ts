import { z } from "zod";
import { cachePath, type CacheRemoved } from "../hub/cache_app.ts";
import { readStatus } from "../kube/status_reader.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { readAll } from "../replica/body.ts";
import type { Removal } from "../replica/removal.ts";
import { hostAndPort } from "./address.ts";
import type { CacheContext } from "./cache_store.ts";

/** The hub answers once it has written to its store. */
const answerMs = 60_000;
const maxAnswerBytes = 16 * 1024 * 1024;

const removedSchema = z.object({
  collections: z.array(z.string()),
  records: z.number(),
  documents: z.number(),
  remaining: z.array(z.string()),
  storeError: z.string().exactOptional(),
});

/** Has the running hub remove a part of what it keeps. @throws Error whose message says what the hub said, or which flags to change */
export async function removeThroughHub(context: CacheContext, removal: Removal): Promise<CacheRemoved> {
  const { platform, values } = context;
  const server = hostAndPort(reachable(values.string("bind-address")), values.integer("serve-port"));
  const upstream = platform.createUpstream({ origin: `http://${server}` });
  const waiting = new AbortController();
  const timer = platform.clock.setTimer(answerMs, () => waiting.abort(new Error(`no answer within ${answerMs} ms`)));
  try {
    const response = await upstream.request({
      method: "DELETE",
      rawPath: `${cachePath}?${parametersOf(removal, values.boolean("force"))}`,
      rawHeaders: ["Host", "localhost", "Accept", "application/json"],
      signal: AbortSignal.any([waiting.signal, platform.process.stop]),
    });
    const body = await readAll(response.body, maxAnswerBytes);
    if (response.status !== 200) throw refusal(response.status, readStatus(body).message);
    const removed = removedSchema.safeParse(JSON.parse(new TextDecoder().decode(body))).data;
    if (removed === undefined) throw new Error(`What listens on ${server} is no hub of this version (--serve-port)`);
    return removed;
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    const where = "--bind-address, --serve-port";
    throw new Error(
      `The hub has the store, and its status server on ${server} does not answer: ${error.message} (${where})`,
      {
        cause: error,
      },
    );
  } finally {
    timer.cancel();
    await upstream.close(0);
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

/** Where a server that listens on all addresses is reached. */
function reachable(address: string): string {
  return { "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address;
}
