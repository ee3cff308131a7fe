import type { Cloud, CloudResponse } from "../cloud/cloud.ts";
import { bearerHeaders } from "../cloud/credential.ts";
import type { Link } from "../cloud/link.ts";
import { isPage, untrusted } from "../cloud/trust.ts";
import { headerOf } from "../kube/hop_by_hop.ts";
import type { ListHead } from "../kube/list_codec.ts";
import type { TypeMeta } from "../kube/object_meta.ts";
import { queryPath } from "../kube/query_path.ts";
import { groupVersionOf, type Query } from "../kube/resources.ts";
import { notAcceptable } from "../kube/status.ts";
import { readFailure } from "../kube/status_reader.ts";
import type { ByteSource } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import { UpstreamError, type UpstreamResponse } from "../platform/upstream.ts";
import { decodedBody, readAll, withStallLimit } from "./body.ts";
import type { Carrier } from "./carriers.ts";
import type { Codec } from "./codec.ts";
import type { Snapshot } from "./collection.ts";
import { objectKey } from "./object_path.ts";

export interface CloudQueryOptions {
  readonly query: Query;
  readonly codec: Codec;
  readonly cloud: Cloud;
  readonly link: Link;
  readonly clock: Clock;
  /** In whose name it asks now. */
  readonly carrier: () => Carrier;
  /** Whether nobody waits for the answer: it then comes after the clients' requests. */
  readonly isBackground: () => boolean;
}

/** Which object of which version lies under each name, at the version of a list. */
export interface ListedVersions {
  readonly resourceVersion: string;
  readonly objects: ReadonlyMap<string, { readonly uid: string; readonly resourceVersion: string }>;
}

/** The cloud no longer has the version that was asked for. */
export class Expired extends Error {}

/** Objects per page of a list (R8). */
const pageLimit = 500;
/** An answer that does not begin, or a list or first state that stops coming, is given up after this. */
export const stallMs = 30_000;
/** No Status is longer. */
const maxErrorBytes = 64 * 1024;
/** Nor the list of one group version's resources. */
const maxDiscoveryBytes = 4 * 1024 * 1024;

/** Takes what is not known to be one as the whole object. */
const metadataOnly = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";

/**
 * What the hub itself asks the cloud about one query, in the name of the node or of a sponsor. All of it throws UpstreamError where no
 * answer of the cloud comes, Expired at a 410, StatusError at every other refusal, and ends with the round's signal.
 */
export class CloudQuery {
  readonly #options: CloudQueryOptions;

  constructor(options: CloudQueryOptions) {
    this.#options = options;
  }

  /** The complete list, as many pages as it takes (R8). */
  async list(round: AbortController): Promise<Snapshot> {
    const { codec } = this.#options;
    const items: Uint8Array[] = [];
    let type: TypeMeta | undefined;
    const head = await this.#pages(round, {
      accept: codec.mediaType,
      take: (item, first) => items.push(codec.stored(item, type ??= itemType(first))),
    });
    return { ...itemType(head), listKind: head.kind, resourceVersion: head.resourceVersion, items };
  }

  /** Names, uids and versions of the complete list. */
  async versions(round: AbortController): Promise<ListedVersions> {
    const { codec } = this.#options;
    const objects = new Map<string, { uid: string; resourceVersion: string }>();
    const { resourceVersion } = await this.#pages(round, {
      accept: metadataOnly,
      take: (item) => {
        const { namespace, name, uid, resourceVersion } = codec.readMeta(item);
        objects.set(objectKey(namespace, name), { uid, resourceVersion });
      },
    });
    return { resourceVersion, objects };
  }

  /** The version at which the cloud is now. */
  async version(round: AbortController): Promise<string> {
    const { codec } = this.#options;
    const { head } = await this.#page({ limit: "1" }, { accept: codec.mediaType, round });
    return head.resourceVersion;
  }

  /** A watch with these parameters. */
  async watch(parameters: Readonly<Record<string, string>>, round: AbortController): Promise<ByteSource> {
    const { codec, query } = this.#options;
    const rawPath = queryPath(query, { watch: "true", allowWatchBookmarks: "true", ...parameters });
    const response = await this.#ask(rawPath, { accept: codec.watchMediaType, longRunning: true, round });
    return response.body;
  }

  /** Whether fresh discovery has the resource. */
  async isServed(round: AbortController): Promise<boolean> {
    const { query: { group, version, resource } } = this.#options;
    const groupVersion = groupVersionOf({ group, version });
    const rawPath = group === "" ? `/api/${version}` : `/apis/${groupVersion}`;
    const response = await this.#request(rawPath, { accept: "application/json", round });
    const body = await this.#whole(response, { maxBytes: maxDiscoveryBytes, round });
    if (response.status === 404) return false;
    if (response.status !== 200) throw failureOf(response, body);
    return hasResource(JSON.parse(new TextDecoder().decode(body)), { groupVersion, resource });
  }

  async #pages(
    round: AbortController,
    { accept, take }: { readonly accept: string; readonly take: (item: Uint8Array, first: ListHead) => void },
  ): Promise<ListHead> {
    let token = "";
    let first: ListHead | undefined;
    do {
      const parameters = { limit: String(pageLimit), ...(token === "" ? {} : { continue: token }) };
      const { head, items } = await this.#page(parameters, { accept, round });
      first ??= head;
      for (const item of items) take(item, first);
      token = head.continue;
    } while (token !== "");
    return first;
  }

  async #page(
    parameters: Readonly<Record<string, string>>,
    { accept, round }: { readonly accept: string; readonly round: AbortController },
  ): Promise<{ readonly items: readonly Uint8Array[]; readonly head: ListHead }> {
    const { query, codec, clock } = this.#options;
    const response = await this.#ask(queryPath(query, parameters), { accept, round });
    const splitter = codec.listSplitter();
    const items: Uint8Array[] = [];
    const body = withStallLimit(response.body, { clock, limitMs: stallMs, round });
    for await (const chunk of decodedBody({ ...response, body })) items.push(...splitter.push(chunk));
    const head = splitter.end();
    // Whatever else answers with JSON must never be taken for an empty list (R11).
    if (head.kind.endsWith("List") && head.resourceVersion !== "") return { items, head };
    throw notAcceptable(`What came for ${query.resource} is no list that has a version`);
  }

  /** Asks for what is answered with 200. */
  async #ask(rawPath: string, asked: Asked): Promise<UpstreamResponse> {
    const response = await this.#request(rawPath, asked);
    if (response.status === 200) return response;
    const body = await this.#whole(response, { maxBytes: maxErrorBytes, round: asked.round });
    if (response.status === 410) throw new Expired();
    throw failureOf(response, body);
  }

  async #request(rawPath: string, { accept, round, longRunning = false }: Asked): Promise<UpstreamResponse> {
    const { cloud, clock } = this.#options;
    const stalled = () => {
      round.abort(new UpstreamError("timeout", `No answer began within ${stallMs} ms`, { sent: true }));
    };
    const timer = clock.setTimer(stallMs, stalled);
    const { token } = this.#options.carrier();
    try {
      const response = await cloud.request({
        method: "GET",
        rawPath,
        rawHeaders: [
          "Accept",
          accept,
          ...(longRunning ? [] : ["Accept-Encoding", "gzip"]),
          "User-Agent",
          "holdfast",
          ...(token === undefined ? [] : bearerHeaders(token.token)),
        ],
        signal: round.signal,
        longRunning,
        movable: longRunning,
        background: this.#options.isBackground() ? "reads" : undefined,
      });
      if (!isPage(response) && await this.#isTrusted(response, round.signal)) return response;
      const error = untrusted(response);
      round.abort(error);
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** What a backend refuses that is not ready, or of another cluster, is not the cloud's word: it is checked now (R16). */
  async #isTrusted({ status, backend }: CloudResponse, signal: AbortSignal): Promise<boolean> {
    const { link } = this.#options;
    if ([401, 403, 404].includes(status)) return await link.confirm(signal, backend);
    return status === 200 || link.state !== "offline";
  }

  async #whole(
    response: UpstreamResponse,
    { maxBytes, round }: { readonly maxBytes: number; readonly round: AbortController },
  ): Promise<Uint8Array> {
    const body = withStallLimit(response.body, { clock: this.#options.clock, limitMs: stallMs, round });
    return await readAll(decodedBody({ ...response, body }), maxBytes);
  }
}

interface Asked {
  readonly accept: string;
  readonly longRunning?: boolean;
  readonly round: AbortController;
}

function itemType({ apiVersion, kind }: TypeMeta): TypeMeta {
  return { apiVersion, kind: kind.replace(/List$/, "") };
}

function failureOf({ status, rawHeaders }: UpstreamResponse, body: Uint8Array): Error {
  return readFailure({ code: status, body, retryAfter: headerOf(rawHeaders, "retry-after") });
}

/** @throws UpstreamError where it is no APIResourceList of that group version */
function hasResource(
  list: unknown,
  { groupVersion, resource }: { readonly groupVersion: string; readonly resource: string },
): boolean {
  const resources = isObject(list) && list.groupVersion === groupVersion ? list.resources : undefined;
  if (!Array.isArray(resources)) {
    throw new UpstreamError("untrusted", `No list of the resources of ${groupVersion} came`, { sent: true });
  }
  return resources.some((entry: unknown) => isObject(entry) && entry.name === resource);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
