import { z } from "zod";
import { headerOf } from "../kube/hop_by_hop.ts";
import { groupVersionOf } from "../kube/resources.ts";
import type { ByteSource, RawHeaders } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import { decodedBody, readAll } from "../replica/body.ts";
import type { HubState } from "./hub_state.ts";

export interface DiscoveryDocument {
  readonly path: string;
  readonly rawHeaders: RawHeaders;
  /** Encoded as it came. */
  readonly body: Uint8Array;
}

/** A longer document is not looked at. */
const maxDocumentBytes = 8 * 1024 * 1024;
/** Documents whose last ETag is remembered. */
const maxTags = 1_000;

const resourceList = z.object({
  kind: z.literal("APIResourceList"),
  groupVersion: z.string(),
  resources: z.array(z.object({ name: z.string() })),
});
const groupList = z.object({
  kind: z.literal("APIGroupDiscoveryList"),
  items: z.array(z.object({
    metadata: z.object({ name: z.string().optional() }).optional(),
    versions: z.array(z.object({
      version: z.string(),
      resources: z.array(z.object({ resource: z.string() })).optional(),
    })),
  })),
});

/** Which resources the cloud was last seen to serve, read from the discovery documents that pass by. */
export class DiscoveryIndex {
  readonly #state: HubState;
  readonly #clock: Clock;
  readonly #tags = new Map<string, string>();

  constructor(state: HubState, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  /** Takes a document; one that is none of discovery, or the same as the last, changes nothing. Never rejects. */
  async take({ path, rawHeaders, body }: DiscoveryDocument): Promise<void> {
    if (!/^\/apis?(\/|$)/.test(path) || this.#isSeen(path, rawHeaders)) return;
    const type = headerOf(rawHeaders, "content-type") ?? "";
    if (!type.startsWith("application/json")) return;
    try {
      const plain = await readAll(decodedBody({ rawHeaders, body: single(body) }), maxDocumentBytes);
      this.#index(JSON.parse(new TextDecoder().decode(plain)));
    } catch {
      // The client has it as it came; what cannot be read is in no index.
    }
  }

  #isSeen(path: string, rawHeaders: RawHeaders): boolean {
    const tag = headerOf(rawHeaders, "etag");
    if (tag === undefined) return false;
    const key = `${path} ${headerOf(rawHeaders, "content-type") ?? ""}`;
    if (this.#tags.get(key) === tag) return true;
    if (this.#tags.size >= maxTags) this.#tags.clear();
    this.#tags.set(key, tag);
    return false;
  }

  #index(document: unknown): void {
    const list = resourceList.safeParse(document);
    if (list.success) {
      const names = list.data.resources.map(({ name }) => name).filter((name) => !name.includes("/"));
      return this.#set(list.data.groupVersion, names);
    }
    const groups = groupList.safeParse(document);
    if (!groups.success) return;
    for (const { metadata, versions } of groups.data.items) {
      for (const { version, resources = [] } of versions) {
        const groupVersion = groupVersionOf({ group: metadata?.name ?? "", version });
        this.#set(groupVersion, resources.map(({ resource }) => resource));
      }
    }
  }

  #set(groupVersion: string, resources: readonly string[]): void {
    const seenAt = new Date(this.#clock.now()).toISOString();
    this.#state.setDiscovered(groupVersion, { seenAt, resources: resources.toSorted() });
  }
}

// deno-lint-ignore require-await
async function* single(chunk: Uint8Array): ByteSource {
  yield chunk;
}
