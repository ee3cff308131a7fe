import { z } from "zod";
import { type JsonApi, messageOf } from "../identity/json_api.ts";
import type { Clock } from "../platform/clock.ts";
import type { Upstream } from "../platform/upstream.ts";

export interface WatchObjectsOptions {
  readonly api: JsonApi;
  /** One of the API servers: where the list comes from does not matter. */
  readonly server: { readonly host: string; readonly upstream: Upstream };
  readonly token: () => string | undefined;
  readonly clock: Clock;
  /** Of the collection. */
  readonly path: string;
  /** How long it is watched before it is listed again. */
  readonly watchSeconds: number;
  readonly signal: AbortSignal;
}

/** The API server has this long more to end a watch by itself. */
const graceMs = 10_000;

/** An event is as long as an object may be, and a little more. */
const maxLineCharacters = 4 * 1024 * 1024;

/** Objects of one page: a page must not be longer than the answer that is read. */
const pageSize = 500;

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().default("") }),
  items: z.array(z.unknown()),
});
const eventSchema = z.object({ type: z.string(), object: z.unknown() });

/** One list, and what is added or changed for a while after it; then it ends. @throws where the API server does not give it */
export async function* watchObjects(options: WatchObjectsOptions): AsyncGenerator<unknown> {
  const resourceVersion = yield* listPages(options);
  for await (const line of watchLines(options, resourceVersion)) {
    const { type, object } = eventSchema.parse(JSON.parse(line));
    if (type === "ERROR") return; // too old: it is listed again
    if (type !== "DELETED") yield object;
  }
}

/** @returns the version of the list, which all of its pages have */
async function* listPages({ api, path, signal }: WatchObjectsOptions): AsyncGenerator<unknown, string> {
  for (let next = "";;) {
    const more = next === "" ? "" : `&continue=${encodeURIComponent(next)}`;
    const answer = await api({ method: "GET", path: `${path}?limit=${pageSize}${more}`, signal });
    const list = listSchema.safeParse(answer.object).data;
    if (answer.status !== 200 || list === undefined) throw new Error(`${path} answered ${messageOf(answer)}`);
    yield* list.items;
    next = list.metadata.continue;
    if (next === "") return list.metadata.resourceVersion;
  }
}

async function* watchLines(options: WatchObjectsOptions, resourceVersion: string): AsyncGenerator<string> {
  const { server: { host, upstream }, token, clock, path, watchSeconds, signal } = options;
  const limit = new AbortController();
  const abort = (): void => limit.abort(signal.reason);
  signal.addEventListener("abort", abort);
  const timer = clock.setTimer(watchSeconds * 1_000 + graceMs, () => limit.abort(new Error("The watch did not end")));
  const bearer = token();
  try {
    const { status, body } = await upstream.request({
      method: "GET",
      rawPath: `${path}?watch=true&resourceVersion=${resourceVersion}&timeoutSeconds=${watchSeconds}`,
      rawHeaders: [
        ...["Host", host, "Accept", "application/json", "User-Agent", "holdfast-controller"],
        ...(bearer === undefined ? [] : ["Authorization", `Bearer ${bearer}`]),
      ],
      longRunning: true,
      signal: limit.signal,
    });
    if (status !== 200) throw new Error(`The watch of ${path} answered ${status}`);
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > maxLineCharacters) throw new Error(`An event of ${path} is too long`);
      yield* lines.filter((line) => line !== "");
    }
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
}
