import type { Clock } from "../../src/platform/clock.ts";
import type { LocalExchange, LocalRequest } from "./local_exchange.ts";
import type { Oracle } from "./oracle.ts";
import type { ObjectName } from "./plain_reader.ts";
import { nodeUser, type SimAccess, type SimAuthorizer } from "./sim_authorizer.ts";
import type { SimHost } from "./sim_host.ts";
import { memberAt, pathOf, queryPathOf, type SimQuery } from "./sim_objects.ts";

export interface ScopeReaderOptions {
  readonly host: SimHost;
  readonly oracle: Oracle;
  readonly clock: Clock;
  readonly authorizer: SimAuthorizer;
  /** Since when nothing has gone wrong, in monotonic milliseconds. */
  readonly calmSince: () => number;
  readonly trace: (line: () => string) => void;
}

/** How long who was granted something may read it after that, while nothing goes wrong: docs/security.md, and some more. */
const revokedMs = 8 * 60_000;
/** The node is asked about at its next watch to the cloud, which comes after ten minutes at most. */
const nodeRevokedMs = 15 * 60_000;
const tokenLifeMs = 20 * 60_000;

/** Asks as several service accounts, and as the node, and looks only at one thing: that none is shown what is not its own. */
export class ScopeReader {
  readonly #options: ScopeReaderOptions;
  readonly #watches = new Set<LocalExchange>();
  /** How many answers of the replica were looked at. */
  checked = 0;

  constructor(options: ScopeReaderOptions) {
    this.#options = options;
  }

  list(user: string, query: SimQuery, version: string): void {
    const rawPath = queryPathOf(query, version === "" ? {} : { resourceVersion: version });
    this.#ask(accessOf(user, "list", query), { method: "GET", rawPath }, query.namespace);
  }

  get(user: string, { resource, namespace, name }: ObjectName, version: string): void {
    const rawPath = `${pathOf(resource, namespace)}/${name}${version === "" ? "" : `?resourceVersion=${version}`}`;
    this.#ask({ user, verb: "get", resource: resource.plural, namespace }, { method: "GET", rawPath }, namespace);
  }

  watch(user: string, query: SimQuery): void {
    const rawPath = queryPathOf(query, { watch: "true", allowWatchBookmarks: "true" });
    this.#ask(accessOf(user, "watch", query), { method: "GET", rawPath }, query.namespace);
  }

  /** Its answer shows the object to who has written it; nobody else is thereby granted anything. */
  write(user: string, { resource, namespace, name }: ObjectName, content: string): void {
    const body = JSON.stringify({ metadata: { labels: { by: content } } });
    const rawPath = `${pathOf(resource, namespace)}/${name}`;
    this.#ask(
      { user, verb: "patch", resource: resource.plural, namespace },
      { method: "PATCH", rawPath, body },
      namespace,
    );
  }

  /** Ends all watches. */
  leave(): void {
    for (const watch of [...this.#watches]) watch.leave();
  }

  #ask(access: SimAccess, request: LocalRequest, namespace: string): void {
    const { host, authorizer, trace } = this.#options;
    const token = authorizer.tokenOf(access.user, tokenLifeMs);
    const where = `${access.user}: ${request.method} ${request.rawPath}`;
    let isShown = false;
    let rest = "";
    const decoder = new TextDecoder();
    const exchange = host.send({ ...request, ...(token === undefined ? {} : { token }) }, {
      head: (status, rawHeaders) => {
        const at = rawHeaders.indexOf("X-Holdfast-Source");
        const source = at < 0 ? undefined : rawHeaders[at + 1];
        trace(() => `${where} -> ${status} ${source}`);
        // That something is known not to be there is told to who may read it only.
        isShown = source === "replica" || source === "outbox" || (status === 404 && source === undefined);
        if (isShown && access.verb !== "watch") this.#check(access, where);
      },
      chunk: (bytes) => {
        if (!isShown) return;
        rest += decoder.decode(bytes, { stream: true });
        if (access.verb !== "watch") return;
        const lines = rest.split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) this.#event(line, { access, namespace, where });
      },
      end: (complete) => {
        this.#watches.delete(exchange);
        if (isShown && complete && access.verb === "list") this.#items(rest, namespace, where);
      },
    });
    if (access.verb === "watch") this.#watches.add(exchange);
  }

  #event(line: string, { access, namespace, where }: Shown): void {
    const event: unknown = JSON.parse(line);
    const type = String(memberAt(event, ["type"]));
    if (!["ADDED", "MODIFIED", "DELETED"].includes(type)) return;
    this.#check(access, `${where}: ${type}`);
    this.#checkNamespace(memberAt(event, ["object"]), namespace, where);
  }

  #items(text: string, namespace: string, where: string): void {
    const items = memberAt(JSON.parse(text), ["items"]);
    for (const item of Array.isArray(items) ? items as unknown[] : []) this.#checkNamespace(item, namespace, where);
  }

  #checkNamespace(object: unknown, namespace: string, where: string): void {
    const own = memberAt(object, ["metadata", "namespace"]);
    if (namespace !== "" && own !== namespace) this.#options.oracle.fail("scope", `${where}: of ${String(own)}`);
  }

  #check(access: SimAccess, where: string): void {
    const { oracle, authorizer, clock, calmSince } = this.#options;
    this.checked += 1;
    const isNodes = access.user === nodeUser;
    // What the node may list or watch it may get: its own lists are its grants.
    const verbs = isNodes ? ["get", "list", "watch"] : [access.verb];
    const until = verbs.map((verb) => authorizer.allowedUntil({ ...access, verb })).filter((one) => one !== undefined)
      .toSorted((a, b) => b - a)[0];
    if (until === undefined) return oracle.fail("scope", `${where}: that was never granted`);
    const calmMs = clock.monotonic() - Math.max(until, calmSince());
    if (calmMs > (isNodes ? nodeRevokedMs : revokedMs)) {
      oracle.fail("revoked", `${where}: ${calmMs} ms after it was taken back`);
    }
  }
}

interface Shown {
  readonly access: SimAccess;
  readonly namespace: string;
  readonly where: string;
}

function accessOf(user: string, verb: string, { resource, namespace }: SimQuery): SimAccess {
  return { user, verb, resource: resource.plural, namespace };
}
