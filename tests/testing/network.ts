import type { Listen } from "../../src/platform/listener.ts";
import type { CreateUpstream } from "../../src/platform/upstream.ts";

/** The network ports of the runtime that runs the tests. */
export interface Network {
  readonly runtime: "node" | "bun" | "deno";
  readonly listen: Listen;
  readonly createUpstream: CreateUpstream;
}

export const network: Network = await loadNetwork();

async function loadNetwork(): Promise<Network> {
  if ("Deno" in globalThis) {
    const { listen } = await import("../../adapters/deno/listener.ts");
    const { createUpstream } = await import("../../adapters/deno/upstream.ts");
    return { runtime: "deno", listen, createUpstream };
  }
  if ("Bun" in globalThis) {
    const { listen } = await import("../../adapters/bun/listener.ts");
    const { createUpstream } = await import("../../adapters/bun/upstream.ts");
    return { runtime: "bun", listen, createUpstream };
  }
  const { listen } = await import("../../adapters/node/listener.ts");
  const { createUpstream } = await import("../../adapters/node/upstream.ts");
  return { runtime: "node", listen, createUpstream };
}
