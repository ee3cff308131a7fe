import type { ByteSource } from "../../src/platform/bytes.ts";
import type { Store } from "../../src/platform/store.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../../src/platform/upstream.ts";
import type { AnswerReader, LocalRequest } from "./local_exchange.ts";
import type { Plant } from "./sim_host.ts";

/** A fault that is planted on purpose, and the rules one of which must tell of it. */
export interface PlantedFault {
  readonly name: string;
  readonly plant: Plant;
  readonly caughtBy: readonly string[];
  /** The first seed to try, where the hub finds what is hidden in another way in nearly all. @default {1} */
  readonly from?: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Each breaks the hub in one way: what the hub is told is changed where it would have had to notice or keep it, or what it
 * answers is changed into what a hub with that fault would have answered.
 */
export const plantedFaults: readonly PlantedFault[] = [
  {
    name: "an event is lost",
    plant: onFrames(everyNth(9, () => [])),
    caughtBy: ["state", "lost", "doubled", "converge", "R5", "R11"],
  },
  {
    name: "an event is doubled",
    plant: onLocalFrames((frame) => isChange(frame) ? [frame, frame] : [frame]),
    caughtBy: ["position", "doubled", "lost"],
  },
  {
    name: "selectors are ignored",
    plant: onRequests((path) => path.replace(/(label|field)Selector=[^&]*&?/g, "")),
    caughtBy: ["state", "R11", "invented"],
  },
  {
    name: "bookmarks are too high",
    plant: onFrames((frame) => isBookmark(frame) ? [raised(frame, 4)] : [frame]),
    caughtBy: ["state", "converge", "lost", "doubled"],
  },
  {
    name: "a page is taken for the list",
    plant: onLists((text) => text.replace(/,"continue":"[^"]*"/, "")),
    caughtBy: ["state", "R11", "invented"],
  },
  {
    name: "a deletion counts for any uid",
    plant: onLocalFrames(deleteAgain()),
    caughtBy: ["lost", "R9", "state", "converge", "position", "R17"],
  },
  {
    name: "what is stale is served as live",
    plant: onHeads((rawHeaders) => without(rawHeaders, "age")),
    caughtBy: ["live", "state", "R5"],
  },
  {
    name: "a list that failed is an empty list",
    plant: { upstream: emptyLists },
    caughtBy: ["state", "R11", "doubled", "lost", "invented"],
  },
  {
    name: "a new epoch is not noticed",
    plant: onLists((text, path) =>
      path.includes("limit=1")
        ? text.replace(/("resourceVersion":")\d+("(,"continue":"[^"]*")?\})/, "$1999999$2")
        : text
    ),
    caughtBy: ["state", "converge", "lost", "doubled", "R5", "R11", "epoch"],
    from: 281,
  },
  {
    name: "410 is not heard",
    plant: onFrames((frame) => frame.startsWith(`{"type":"ERROR"`) ? [] : [frame]),
    caughtBy: ["state", "converge", "live", "R5"],
  },
  {
    name: "what is not held is 404",
    plant: onAnswers(
      (request) => request.method === "GET",
      (head) => head.status === 503 ? { ...head, status: 404 } : head,
    ),
    caughtBy: ["R11", "R16", "R5"],
  },
  {
    name: "a write is acknowledged offline",
    plant: onAnswers(
      (request) => request.method === "PUT",
      (head) => head.status === 503 ? { ...head, status: 200 } : head,
    ),
    caughtBy: ["write", "R17", "refusal"],
  },
  { name: "initial events end too early", plant: onLocalFrames(endEarly()), caughtBy: ["state", "R4"] },
  {
    name: "deletions are not stored",
    plant: { store: keepRemoved },
    caughtBy: ["R11", "state", "doubled", "converge", "lost"],
  },
  { name: "requests are not aborted", plant: { upstream: deaf }, caughtBy: ["leak", "converge"] }, // a hub that never ends serves nobody
  {
    name: "a watch begins anew without a word",
    plant: onLocalFrames((frame) =>
      isBookmark(frame) && !frame.includes("initial-events-end") ? [raised(frame, -6)] : [frame]
    ),
    caughtBy: ["position", "state"],
  },
];

type FrameChange = (frame: string) => readonly string[];

/** Changes the events that the hub is told. */
function onFrames(change: FrameChange): Plant {
  return {
    upstream: (upstream) => ({
      ...upstream,
      request: async (request) => {
        const response = await upstream.request(request);
        if (request.longRunning !== true || response.status !== 200) return response;
        return { ...response, body: byLine(response.body, change) };
      },
    }),
  };
}

async function* byLine(body: ByteSource, change: FrameChange): ByteSource {
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) for (const frame of change(line)) yield encoder.encode(`${frame}\n`);
  }
  if (rest !== "") yield encoder.encode(rest);
}

/** Changes the lists that the hub's reflectors are told. */
function onLists(change: (text: string, path: string) => string): Plant {
  return {
    upstream: (upstream) => ({
      ...upstream,
      request: async (request) => {
        const response = await upstream.request(request);
        const own = request.rawHeaders.includes("holdfast") && request.longRunning !== true;
        if (!own || response.status !== 200) return response;
        return { ...response, body: whole(response.body, (text) => change(text, request.rawPath)) };
      },
    }),
  };
}

async function* whole(body: ByteSource, change: (text: string) => string): ByteSource {
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  yield encoder.encode(change(text));
}

function onRequests(change: (path: string) => string): Plant {
  return {
    upstream: (upstream) => ({
      ...upstream,
      request: (request) => upstream.request({ ...request, rawPath: change(request.rawPath) }),
    }),
  };
}

/** Lists that end with an error of the server are empty ones. */
function emptyLists(upstream: Upstream): Upstream {
  return {
    ...upstream,
    request: async (request): Promise<UpstreamResponse> => {
      const response = await upstream.request(request);
      const kind = kindOf(request);
      if (response.status < 500 || kind === undefined) return response;
      const list = `{"kind":"${kind}List","apiVersion":"v1","metadata":{"resourceVersion":"1030"},"items":[]}\n`;
      return {
        ...response,
        status: 200,
        rawHeaders: ["Content-Type", "application/json"],
        body: whole(response.body, () => list),
      };
    },
  };
}

function kindOf({ rawPath, method, longRunning }: UpstreamRequest): string | undefined {
  if (method !== "GET" || longRunning === true) return undefined;
  const resource = /\/(pods|configmaps|nodes)(\?|$)/.exec(rawPath)?.[1];
  return { pods: "Pod", configmaps: "ConfigMap", nodes: "Node" }[resource ?? ""];
}

function deaf(upstream: Upstream): Upstream {
  return {
    ...upstream,
    request: (request) => upstream.request({ ...request, signal: new AbortController().signal }),
  };
}

function keepRemoved(store: Store): Store {
  return { ...store, commit: (batch) => store.commit({ ...batch, remove: [] }) };
}

/** Changes the events that readers get, of watches alone. */
function onLocalFrames(change: (frame: string, state: Map<string, string>) => readonly string[]): Plant {
  return {
    answers: (request, reader) => {
      if (!request.rawPath.includes("watch=true")) return reader;
      const state = new Map<string, string>();
      let rest = "";
      return {
        ...reader,
        chunk: (bytes) => {
          const lines = (rest + decoder.decode(bytes)).split("\n");
          rest = lines.pop() ?? "";
          const frames = lines.flatMap((line) => change(line, state));
          if (frames.length > 0) reader.chunk(encoder.encode(`${frames.join("\n")}\n`));
        },
      };
    },
  };
}

function onHeads(change: (rawHeaders: readonly string[]) => readonly string[]): Plant {
  return onAnswers(() => true, (head) => ({ ...head, rawHeaders: change(head.rawHeaders) }));
}

interface Head {
  readonly status: number;
  readonly rawHeaders: readonly string[];
}

function onAnswers(concerns: (request: LocalRequest) => boolean, change: (head: Head) => Head): Plant {
  return {
    answers: (request, reader): AnswerReader => ({
      chunk: (bytes) => reader.chunk(bytes),
      end: (complete) => reader.end(complete),
      head: (status, rawHeaders) => {
        const head = concerns(request) ? change({ status, rawHeaders }) : { status, rawHeaders };
        reader.head(head.status, head.rawHeaders);
      },
    }),
  };
}

function without(rawHeaders: readonly string[], name: string): readonly string[] {
  const at = rawHeaders.findIndex((header, index) => index % 2 === 0 && header.toLowerCase() === name);
  return at < 0 ? rawHeaders : rawHeaders.toSpliced(at, 2);
}

function everyNth(count: number, change: FrameChange): FrameChange {
  let seen = 0;
  return (frame) => isChange(frame) && ++seen % count === 0 ? change(frame) : [frame];
}

/** After an object was made anew, the deletion of the one before takes it away. */
function deleteAgain(): (frame: string, state: Map<string, string>) => readonly string[] {
  return (frame, deleted) => {
    const name = /"name":"[^"]*"(,"namespace":"[^"]*")?/.exec(frame)?.[0] ?? "";
    if (frame.startsWith(`{"type":"DELETED"`)) deleted.set(name, frame);
    const old = deleted.get(name);
    if (!frame.startsWith(`{"type":"ADDED"`) || old === undefined) return [frame];
    deleted.delete(name);
    const version = /"resourceVersion":"\d+"/.exec(frame)?.[0] ?? "";
    return [frame, old.replace(/"resourceVersion":"\d+"/, version)];
  };
}

/** The bookmark that ends the initial events changes places with the event before it. */
function endEarly(): (frame: string, state: Map<string, string>) => readonly string[] {
  return (frame, held) => {
    const before = held.get("before");
    if (frame.includes("initial-events-end")) {
      held.set("over", "yes");
      return before === undefined ? [frame] : [frame, before];
    }
    if (held.has("over") || !frame.startsWith(`{"type":"ADDED"`)) return [frame];
    held.set("before", frame);
    return before === undefined ? [] : [before];
  };
}

function isChange(frame: string): boolean {
  return /^\{"type":"(ADDED|MODIFIED|DELETED)"/.test(frame);
}

function isBookmark(frame: string): boolean {
  return frame.startsWith(`{"type":"BOOKMARK"`);
}

function raised(frame: string, by: number): string {
  return frame.replace(
    /"resourceVersion":"(\d+)"/,
    (_, version: string) => `"resourceVersion":"${Number(version) + by}"`,
  );
}
