import { serviceAccountCaller } from "../../src/identity/caller.ts";
import type { Store } from "../../src/platform/store.ts";
import type { Upstream } from "../../src/platform/upstream.ts";
import type { PlantedFault } from "./plants.ts";

/** Each lets the hub take one scope for another, in one way. */
export const scopePlants: readonly PlantedFault[] = [
  {
    name: "all service accounts are taken for one",
    plant: {
      identify: (identify) => async (exchange) => {
        const { token } = await identify(exchange);
        if (token === undefined) throw new TypeError("Nobody comes without a token");
        return { ...serviceAccountCaller({ ...token, serviceAccount: { name: "app", uid: "1" } }), token };
      },
    },
    caughtBy: ["scope"],
  },
  {
    name: "a review that denies is taken for one that allows",
    plant: { upstream: allowing },
    caughtBy: ["scope", "revoked"],
  },
  {
    name: "after a restart it is forgotten what only service accounts were given",
    plant: { store: forgetting },
    caughtBy: ["scope"],
  },
];

function allowing(upstream: Upstream): Upstream {
  return {
    ...upstream,
    request: async (request) => {
      const response = await upstream.request(request);
      if (!request.rawPath.endsWith("/selfsubjectaccessreviews")) return response;
      return { ...response, body: replaced(response.body, `"allowed":false`, `"allowed":true`) };
    },
  };
}

async function* replaced(body: AsyncIterable<Uint8Array>, from: string, to: string): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  yield new TextEncoder().encode(text.replace(from, to));
}

function forgetting(store: Store): Store {
  return {
    ...store,
    commit: ({ put = [], ...batch }) =>
      store.commit({ ...batch, put: put.map(([key, value]) => [key, forgotten(value)] as const) }),
  };
}

function forgotten(value: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(value);
  return new TextEncoder().encode(
    text.replace(`"callersOnly":true`, `"callersOnly":false`).replace(/^(\d+ \d+) 1\n/, "$1\n"),
  );
}
