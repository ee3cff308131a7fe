import { type Context, Hono } from "hono";
import { LinkHistory } from "../cloud/link_history.ts";
import { type Caller, nodeCaller } from "../identity/caller.ts";
import type { RequestInfo } from "../kube/request_info.ts";
import { serviceUnavailable, toStatusError } from "../kube/status.ts";
import type { Exchange, ExchangeBindings } from "../platform/exchange.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Platform } from "../platform/platform.ts";
import type { Store } from "../platform/store.ts";
import { WebExchange } from "../platform/web_exchange.ts";
import type { Access } from "../replica/access.ts";
import type { Carriers } from "../replica/carriers.ts";
import { Eviction } from "../replica/eviction.ts";
import { Grants } from "../replica/grants.ts";
import { KeptTokens } from "../replica/kept_tokens.ts";
import { Outbox } from "../replica/outbox.ts";
import { OutboxCloud } from "../replica/outbox_cloud.ts";
import { OutboxPusher } from "../replica/outbox_pusher.ts";
import { PagedLists } from "../replica/paged_lists.ts";
import { Recorder } from "../replica/recorder.ts";
import { Replica } from "../replica/replica.ts";
import { Admission } from "./admission.ts";
import type { Call } from "./call.ts";
import type { AskingContext } from "./ask_as.ts";
import { Callers } from "./callers.ts";
import { CustomColumns } from "./custom_columns.ts";
import type { HubContext } from "./context.ts";
import { GarbageCollector } from "./garbage_collector.ts";
import { guard, type GuardOptions } from "./guards.ts";
import type { DebugOptions } from "./debug_app.ts";
import { DiscoveryIndex } from "./discovery_index.ts";
import { Filters } from "./filters.ts";
import type { FiltersOptions } from "./filters_options.ts";
import { createLease, createLink, type HubLinkOptions } from "./hub_link.ts";
import { declareMetrics } from "./hub_metrics.ts";
import type { HubState } from "./hub_state.ts";
import { knownBackends } from "./link_status.ts";
import { LocalAnswers } from "./local_answers.ts";
import { reviewAccess } from "./review_access.ts";
import { proxy } from "./proxy.ts";
import type { Check } from "./readiness_check.ts";
import { declareCertificateMetrics, type HubCertificates } from "./hub_certificates.ts";
import { createStatusApp } from "./status_app.ts";
import { statusResponse } from "./status_response.ts";

/** What a hub is made of. */
export interface HubOptions extends HubLinkOptions {
  readonly platform: Platform;
  readonly nodeName: string;
  /** Seals what it keeps; in cloud mode nothing is. The hub does not close it. */
  readonly store: Store;
  /**
   * Seals what it keeps, and its commits survive power loss: of writes that the cloud has still to get, and of tokens. The hub
   * does not close it. @default none: no write is taken while the cloud is out of reach, and no token is kept
   */
  readonly outboxStore?: Store;
  /** How long a token that is kept is given out after its own end, while the cloud is out of reach. @default {0} */
  readonly offlineTokenGraceMs?: number;
  /** Bytes that wait in it. @default {64 MiB} */
  readonly outboxMaxBytes?: number;
  /** Where what must be known at the next start is kept, beside the store. The hub does not close it. */
  readonly state?: HubState;
  /** What local components get otherwise than the cloud has it, or not at all. @default everybody gets everything as it is */
  readonly filters?: FiltersOptions;
  readonly logger: Logger;
  /** What `/readyz` tells of them. */
  readonly certificates?: HubCertificates;
  readonly metrics: Metrics;
  /** After it a read is answered by the replica, if that can. @default {2_000} */
  readonly cloudReadTimeoutMs?: number;
  /** A watch without `timeoutSeconds` lasts one to two times this. @default {1_800_000} */
  readonly minRequestTimeoutMs?: number;
  /** Short requests at once; what comes beyond gets 429. @default {250} */
  readonly maxRequestsInFlight?: number;
  /** Watches, logs, upgrades and proxies at once, likewise. @default {2_000} */
  readonly maxWatches?: number;
  /** Whose processes may use the plain port, asked at each request. @default root and the hub's own user */
  readonly plainAllowUids?: readonly number[] | (() => readonly number[]);
  /** Bytes of objects that are kept on disk. @default {1 GiB} */
  readonly cacheMaxBytes?: number;
  /** How long a collection that nobody reads is kept up to date. @default {600_000} */
  readonly collectionIdleMs?: number;
  /** After it the node's Events that were not renewed are let go, while the cloud answers. @default {7_200_000} */
  readonly gcFrequencyMs?: number;
  /** Bytes of objects that are kept in memory beside the store. @default {32 MiB} */
  readonly cacheMemoryMaxBytes?: number;
  /**
   * Tells who calls on the TLS port, or throws a StatusError. @default who proves it with a service account's token that the
   * cluster's keys verify, or with this node's certificate
   */
  readonly identify?: (exchange: Exchange) => Promise<Caller>;
  /** What `/debug/…` of the status server changes. @default it is not there */
  readonly debug?: DebugOptions;
  /** Why the TLS port is not open; nothing where it is. @default nobody is told of one */
  readonly secureProblem?: () => string | undefined;
  /** Further lines of `/readyz?verbose`, of the node's network. @default none */
  readonly networkChecks?: () => readonly Check[];
  readonly version: string;
}

/** The edge role: a local read replica of the Kubernetes API, and a proxy for everything else. */
export interface Hub {
  /** Answers on the plain port, with the node's identity: for loopback listeners only. */
  handle(request: Request, exchange: Exchange): Response | Promise<Response>;
  /** Answers on the TLS port, whoever proves who he is: with a service account's token, or this node's own certificate. */
  handleSecure(request: Request, exchange: Exchange): Response | Promise<Response>;
  /** Answers on the status server. */
  handleStatus(request: Request, exchange: Exchange): Response | Promise<Response>;
  /** The plain proxy inside somebody's app, which then decides who may ask. No upgrades. */
  fetch(request: Request): Promise<Response>;
  /** Ends watches cleanly, also those that begin from now on; all else goes on. */
  drain(): void;
  /** Ends watches cleanly and commits what is pending. */
  close(): Promise<void>;
}

/**
 * Starts a hub: takes back what the store holds, checks the link once, and goes on checking it.
 *
 * @throws StoreError where the store cannot be read at all
 */
export async function createHub(options: HubOptions): Promise<Hub> {
  const { platform, metrics, version, certificates } = options;
  const closing = new AbortController();
  const draining = new AbortController();
  const context = createContext(options, { closed: closing.signal, draining: draining.signal });
  try {
    await context.replica.restore();
    await context.outbox?.restore();
    await context.tokens?.restore();
    await context.grants?.restore();
    await context.customColumns.restore();
  } catch (error) {
    await Promise.all([context.tokens?.close(), context.grants?.close()]);
    await context.replica.close();
    throw error;
  }
  if (certificates !== undefined) declareCertificateMetrics(certificates, metrics);
  await context.link.start();
  context.filters?.start();
  context.pusher?.start();
  const eviction = createEviction(context, options);
  // In cloud mode only what filters need is held.
  if (context.workingMode === "edge" || context.filters !== undefined) {
    eviction.start();
    context.customColumns.start();
  }
  const garbage = createGarbageCollector(context, options);
  if (context.workingMode === "edge") garbage.start();
  const apps = createApps(context, options);
  const { secureProblem, networkChecks, debug } = options;
  const statusApp = createStatusApp({
    context,
    metrics,
    version,
    startedAt: platform.clock.now(),
    ...(certificates === undefined ? {} : { certificates }),
    ...(secureProblem === undefined ? {} : { secureProblem }),
    ...(networkChecks === undefined ? {} : { networkChecks }),
    ...(debug === undefined ? {} : { debug }),
  });
  const guarded = new Hono<{ Bindings: ExchangeBindings }>();
  guarded.use(guarding({ allowUids: allowedUids(options), uidOf: "writes" }));
  guarded.route("/", statusApp);
  return {
    handle: (request, exchange) => apps.guarded.fetch(request, { exchange }),
    handleSecure: (request, exchange) => apps.secure.fetch(request, { exchange }),
    handleStatus: (request, exchange) => guarded.fetch(request, { exchange }),
    fetch: (request) => mounted(apps.open, request),
    drain: () => draining.abort(new Error("The hub drains")),
    async close(): Promise<void> {
      draining.abort(new Error("The hub closes"));
      closing.abort(new Error("The hub closes"));
      context.filters?.close();
      context.history.close();
      await context.customColumns.close();
      context.lease?.close();
      context.link.close();
      await context.pusher?.close();
      await Promise.all([context.tokens?.close(), context.grants?.close()]);
      await Promise.all([eviction.close(), garbage.close()]);
      context.pagedLists.close();
      await context.replica.close();
    },
  };
}

function createContext(options: HubOptions, { closed, draining }: Pick<HubContext, "closed" | "draining">): HubContext {
  const { platform, nodeName, workingMode = "edge", logger, store, state } = options;
  const { clock, random } = platform;
  const { cloud, link } = createLink(options, { platform, logger });
  if (state !== undefined) link.onBackend(() => state.setBackends(knownBackends(cloud)));
  const memoryMaxBytes = options.cacheMemoryMaxBytes ?? 32 * 1024 * 1024;
  const replica: Replica = new Replica({ cloud, link, store, clock, random, logger, memoryMaxBytes });
  const recorder = new Recorder(replica, () => clock.now());
  const lease = createLease(options, { platform, logger, nodeName, cloud, link, replica });
  return {
    ...createOutbox(options, { cloud, link, replica, recorder }),
    ...createGrants(options, { cloud, link, platform, closed, logger }, replica.carriers),
    platform,
    nodeName,
    workingMode,
    admission: new Admission({
      maxRequestsInFlight: options.maxRequestsInFlight ?? 250,
      maxWatches: options.maxWatches ?? 2_000,
      nodeName,
      clock,
      logger,
    }),
    cloud,
    link,
    history: new LinkHistory({ link, cloud, clock }),
    replica,
    ...(lease === undefined ? {} : { lease }),
    ...(options.filters === undefined
      ? {}
      : { filters: new Filters(options.filters, { replica, clock, logger, nodeName, workingMode }) }),
    ...(state === undefined ? {} : { discovery: new DiscoveryIndex(state, clock) }),
    customColumns: new CustomColumns({ cloud, link, platform, closed, logger, replica }),
    pagedLists: new PagedLists({ rows: replica.rows, clock, random }),
    recorder,
    answers: new LocalAnswers(),
    logger,
    cloudReadTimeoutMs: options.cloudReadTimeoutMs ?? 2_000,
    minRequestTimeoutMs: options.minRequestTimeoutMs ?? 1_800_000,
    draining,
    closed,
  };
}

type OutboxParts = Pick<HubContext, "cloud" | "link" | "replica" | "recorder">;

function createOutbox(
  { outboxStore, outboxMaxBytes, offlineTokenGraceMs, platform: { clock, random }, logger, nodeName }: HubOptions,
  { cloud, link, replica, recorder }: OutboxParts,
): Pick<HubContext, "outbox" | "pusher" | "tokens"> {
  if (outboxStore === undefined) return {};
  const maxBytes = outboxMaxBytes ?? 64 * 1024 * 1024;
  const { overlays } = replica;
  const outbox = new Outbox({ store: outboxStore, logger, now: () => clock.now(), maxBytes, overlays });
  const ways = new OutboxCloud({ cloud, link, clock, recorder, nodeName });
  const pusher = new OutboxPusher({ outbox, cloud: ways, link, clock, random, logger });
  return {
    outbox,
    pusher,
    tokens: new KeptTokens({ store: outboxStore, clock, logger, graceMs: offlineTokenGraceMs ?? 0 }),
  };
}

function createGrants(
  { outboxStore: store, cloudReadTimeoutMs: reviewTimeoutMs = 2_000 }: HubOptions,
  asking: AskingContext,
  carriers: Carriers,
): Pick<HubContext, "grants"> {
  if (store === undefined) return {};
  const { link, platform: { clock }, logger } = asking;
  const review = (token: string, access: Access) => reviewAccess(asking, token, access);
  const ended = (scopeId: string, access: Access) => carriers.withdraw(scopeId, access);
  const { tokens } = carriers;
  const grants = new Grants({ store, clock, link, logger, tokens, ended, reviewTimeoutMs, review });
  carriers.doubted = (caller, access) => grants.doubt(caller, access);
  return { grants };
}

function createEviction(
  { replica, link, platform, logger, nodeName, tokens, grants }: HubContext,
  options: HubOptions,
): Eviction {
  return new Eviction({
    replica,
    link,
    clock: platform.clock,
    logger,
    nodeName,
    ...(tokens === undefined ? {} : { tokens }),
    ...(grants === undefined ? {} : { grantedQueries: () => grants.grantedQueries() }),
    maxBytes: options.cacheMaxBytes ?? 1024 * 1024 * 1024,
    idleMs: options.collectionIdleMs ?? 10 * 60_000,
  });
}

function createGarbageCollector(
  { replica, link, platform: { clock, random }, logger, nodeName }: HubContext,
  { gcFrequencyMs = 120 * 60_000 }: HubOptions,
): GarbageCollector {
  return new GarbageCollector({ ...{ replica, link, clock, random, logger, nodeName }, frequencyMs: gcFrequencyMs });
}

type App = Hono<{ Bindings: ExchangeBindings }>;

type Env = Context<{ Bindings: ExchangeBindings }>;

/** `open` asks nobody, `guarded` for the machine's own users, `secure` for a credential. */
function createApps(context: HubContext, options: HubOptions): Readonly<Record<"open" | "guarded" | "secure", App>> {
  const { state, offlineTokenGraceMs: graceMs = 0 } = options;
  const callers = new Callers({ context, graceMs, ...(state === undefined ? {} : { state }) });
  const count = declareMetrics(context, options.metrics, callers);
  const answer = async ({ env: { exchange } }: Env, caller: Caller): Promise<Response> => {
    const startedAt = context.platform.clock.monotonic();
    const call = await proxy(context, exchange, caller);
    if (call !== undefined) {
      count(call);
      context.answers.add(call);
      logRequest(context, call, context.platform.clock.monotonic() - startedAt);
    }
    // Else the hub has closed over it: an empty answer would be taken for the cloud's.
    return exchange.answered ? new Response(null) : statusResponse(serviceUnavailable("The hub stops"));
  };
  const open: App = new Hono();
  open.all("*", (c) => answer(c, nodeCaller));
  const guarded: App = new Hono();
  guarded.use(guarding({ allowUids: allowedUids(options), uidOf: "all" }));
  guarded.all("*", (c) => answer(c, nodeCaller));
  const { identify = (exchange: Exchange) => callers.identify(exchange) } = options;
  const secure: App = new Hono();
  secure.all("*", async (c) => await answer(c, await identify(c.env.exchange)));
  secure.onError((error) => statusResponse(toStatusError(error)));
  return { open, guarded, secure };
}

function guarding(options: GuardOptions) {
  return async (c: Context<{ Bindings: ExchangeBindings }>, next: () => Promise<void>): Promise<Response | void> => {
    const refusal = await guard(c.env.exchange, options);
    if (refusal !== undefined) return statusResponse(refusal);
    await next();
  };
}

function allowedUids({ plainAllowUids, platform }: HubOptions): () => readonly number[] {
  if (typeof plainAllowUids === "function") return plainAllowUids;
  const uids = plainAllowUids ?? [0, ...(platform.process.uid === undefined ? [] : [platform.process.uid])];
  return () => uids;
}

function logRequest({ logger }: HubContext, call: Call, durationMs: number): void {
  if (!logger.enabled("debug")) return;
  const { info, exchange, status, source } = call;
  logger.log("debug", "Request", {
    method: exchange.method,
    path: loggedPath(info),
    query: loggedQuery(info),
    verb: info.verb,
    status,
    source,
    durationMs: Math.round(durationMs),
    caller: call.caller.scope.id,
    client: exchange.peer.address === "" ? "" : `${exchange.peer.address}:${exchange.peer.port}`,
    userAgent: exchange.header("user-agent"),
  });
}

/** What stands behind `proxy`, `exec` and the like is the caller's own, and may hold secrets. */
function loggedPath({ isResource, path, parts, subresource }: RequestInfo): string {
  const rest = parts.slice(3).join("/");
  return isResource && subresource !== "" && rest !== "" && path.endsWith(rest)
    ? `${path.slice(0, -rest.length)}…`
    : path;
}

const loggedParameters = [
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "timeout",
  "timeoutSeconds",
  "watch",
];

function loggedQuery({ query }: RequestInfo): string {
  return String(new URLSearchParams([...query].filter(([name]) => loggedParameters.includes(name))));
}

async function mounted(app: App, request: Request): Promise<Response> {
  const exchange = new WebExchange(request);
  const handled = Promise.resolve(app.fetch(request, { exchange }));
  const response = await Promise.race([exchange.response, handled]);
  return exchange.answered ? await exchange.response : response;
}
