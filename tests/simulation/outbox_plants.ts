import type { ByteSource } from "../../src/platform/bytes.ts";
import type { Store, StoreBatch } from "../../src/platform/store.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../../src/platform/upstream.ts";
import type { PlantedFault } from "./plants.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Each breaks a promise of the outbox: what it acknowledges, what it sends, or what it hears is changed. */
export const outboxPlants: readonly PlantedFault[] = [
  {
    name: "an acknowledged write is not on disk yet",
    plant: { outboxStore: oneBehind },
    caughtBy: ["outbox-lost", "outbox-old", "outbox-order"],
  },
  {
    name: "an older push comes again after a newer one",
    plant: { upstream: pushedAgain },
    caughtBy: ["outbox-order", "outbox-foreign"],
  },
  {
    name: "an Event that was pushed before is pushed once more",
    plant: { upstream: anotherEvent },
    caughtBy: ["outbox-foreign"],
  },
  {
    name: "an error is taken for the answer to a push",
    plant: { upstream: errorsAreAnswers },
    caughtBy: ["outbox-lost", "outbox-old", "outbox-order", "R17", "state"],
    from: 240, // one seed of two hundred has such an error, and a reader at the right moment
  },
];

/** Each commit is acknowledged at once, and done with the next one: a kill takes the last. */
function oneBehind(store: Store): Store {
  let held: StoreBatch = {};
  return {
    ...store,
    commit: async (batch) => {
      const before = held;
      held = batch;
      await store.commit(before);
    },
  };
}

/** After each push of a status the one before it is sent once more, bound to nothing. */
function pushedAgain(upstream: Upstream): Upstream {
  const bodies = new Map<string, Uint8Array>();
  return {
    ...upstream,
    request: async (request) => {
      const response = await upstream.request(request);
      if (!isPush(request) || request.method !== "PATCH" || !(request.body instanceof Uint8Array)) return response;
      const before = bodies.get(request.rawPath);
      const { status } = JSON.parse(decoder.decode(request.body)) as { status?: object }; // as the outbox writes it
      if (status === undefined || response.status !== 200) return response;
      bodies.set(request.rawPath, encoder.encode(JSON.stringify({ status })));
      if (before !== undefined) { for await (const _ of (await upstream.request({ ...request, body: before })).body); }
      return response;
    },
  };
}

/** Where the name is taken, by itself even, another one is made up. */
function anotherEvent(upstream: Upstream): Upstream {
  return {
    ...upstream,
    request: async (request) => {
      const response = await upstream.request(request);
      if (!isPush(request) || request.method !== "POST" || !(request.body instanceof Uint8Array)) return response;
      if (response.status !== 409) return response;
      const renamed = decoder.decode(request.body).replace(/"name":"event-/, '"name":"again-');
      return await upstream.request({ ...request, body: encoder.encode(renamed) });
    },
  };
}

/** A push that ends with an error of the server has ended as if the object were as the cloud has it. */
function errorsAreAnswers(upstream: Upstream): Upstream {
  const objects = new Map<string, string>();
  return {
    ...upstream,
    request: async (request): Promise<UpstreamResponse> => {
      const response = await upstream.request(request);
      const path = request.rawPath.replace(/\/status(\?.*)?$/, "");
      if (request.method === "GET" && isOwn(request) && request.longRunning !== true && response.status === 200) {
        const text = await textOf(response.body);
        objects.set(path, text);
        return { ...response, body: single(text) };
      }
      const object = objects.get(path);
      if (!isPush(request) || response.status < 500 || object === undefined) return response;
      await textOf(response.body); // else its flow stays open
      return { ...response, status: 200, rawHeaders: ["Content-Type", "application/json"], body: single(object) };
    },
  };
}

function isOwn({ rawHeaders }: UpstreamRequest): boolean {
  return rawHeaders.includes("holdfast");
}

function isPush(request: UpstreamRequest): boolean {
  return isOwn(request) && request.method !== "GET";
}

async function textOf(body: ByteSource): Promise<string> {
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text;
}

// deno-lint-ignore require-await
async function* single(text: string): ByteSource {
  yield encoder.encode(text);
}
