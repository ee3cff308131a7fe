import { createListen } from "../../adapters/shared/listener.ts";
import { join } from "../../adapters/shared/join.ts";
import { createMetrics } from "../../adapters/shared/metrics.ts";
import { createUpstreamWith } from "../../adapters/shared/upstream.ts";
import type { DemoCloud } from "../../src/demo/demo_cloud.ts";
import type { LbMode } from "../../src/cloud/balancer.ts";
import type { ClientTraffic } from "../../src/cloud/traffic.ts";
import type { DebugOptions } from "../../src/hub/debug_app.ts";
import type { ClientStatus } from "../../src/hub/client_status.ts";
import type { HubCertificates } from "../../src/hub/hub_certificates.ts";
import type { HubState } from "../../src/hub/hub_state.ts";
import { createHub } from "../../src/hub/hub.ts";
import type { FiltersOptions } from "../../src/hub/filters_options.ts";
import type { WorkingMode } from "../../src/hub/hub_link.ts";
import type { Clock } from "../../src/platform/clock.ts";
import type { Logger, LogLevel } from "../../src/platform/logger.ts";
import type { Platform } from "../../src/platform/platform.ts";
import type { Store } from "../../src/platform/store.ts";
import type { Upstream } from "../../src/platform/upstream.ts";
import { createFakeRandom } from "./fake_random.ts";
import { readWatch, type WatchReader } from "./watch_reader.ts";

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface HubAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: HubAnswerBody;
}

/** What the tests look at: each says with its assertions what it expects to be there. */
export interface HubAnswerBody {
  readonly kind: string;
  readonly reason: string;
  readonly message: string;
  readonly metadata: ObjectNames & { readonly continue?: string; readonly remainingItemCount?: number };
  readonly details: {
    readonly retryAfterSeconds?: number;
    readonly name?: string;
    readonly causes?: readonly { readonly reason: string }[];
  };
  readonly items: readonly { readonly metadata: ObjectNames }[];
  readonly data: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
}

interface ObjectNames {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Of `/v1/status`. */
export interface HubStatus {
  readonly link: {
    readonly state: string;
    readonly reason: string;
    readonly backends: readonly { readonly address: string; readonly state: string; readonly reason: string }[];
  };
  readonly ready?: boolean;
  readonly history?: { readonly windowMs: number; readonly changes: readonly { readonly state: string }[] };
  readonly traffic?: readonly ClientTraffic[];
  readonly clients?: readonly ClientStatus[];
  readonly lease?: { readonly alive: boolean; readonly failure?: string };
  readonly collections: readonly {
    readonly resource: string;
    readonly fieldSelector: string;
    readonly state: string;
    readonly resourceVersion: string;
    readonly epoch: number;
    readonly objects: number;
    readonly bytes?: number;
    readonly watchers: number;
  }[];
  readonly records: { readonly count: number };
}

/** Of `/v1/outbox`. */
export interface HubOutbox {
  readonly bytes: number;
  readonly refused: number;
  readonly waiting: readonly OutboxItem[];
  readonly settled: readonly (OutboxItem & { readonly how: string; readonly message?: string })[];
}

export interface OutboxItem {
  readonly resource: string;
  readonly name: string;
  readonly kind: string;
  readonly uid: string;
  readonly writes: number;
  readonly attempts?: number;
  readonly error?: string;
}

export interface HubRequestOptions {
  /** Bytes as they are, everything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RunningHub {
  readonly origin: string;
  readonly statusOrigin: string;
  /** What answers as the TLS port does, without TLS. */
  readonly secureOrigin: string;
  request(method: string, path: string, options?: HubRequestOptions): Promise<HubAnswer>;
  outbox(): Promise<HubOutbox>;
  watch(path: string, headers?: Readonly<Record<string, string>>): Promise<WatchReader>;
  status(): Promise<HubStatus>;
  /** Closes the hub, its listeners and its store. */
  close(): Promise<void>;
}

export interface StartHubOptions {
  readonly cloud: DemoCloud;
  readonly clock: Clock;
  readonly store: Store;
  /** The hub has an outbox where it is given. */
  readonly outboxStore?: Store;
  readonly outboxMaxBytes?: number;
  readonly offlineTokenGraceMs?: number;
  readonly log: LogLine[];
  /** Header that marks what travels without the node's identity. */
  readonly callerMark: string;
  readonly authorization?: () => string | undefined;
  readonly plainAllowUids?: readonly number[];
  readonly state?: HubState;
  readonly kubeletHealthGraceMs?: number;
  readonly filters?: FiltersOptions;
  /** API servers beside `cloud`. */
  readonly further?: readonly DemoCloud[];
  readonly lbMode?: LbMode;
  readonly workingMode?: WorkingMode;
  readonly maxRequestsInFlight?: number;
  readonly maxWatches?: number;
  readonly debug?: DebugOptions;
  readonly nodeName?: string;
  readonly certificates?: HubCertificates;
}

/** The node's own name in nearly all tests of the hub. */
const usualNodeName = "node-1";

/** Starts a hub on free loopback ports. */
export async function startHub(options: StartHubOptions): Promise<RunningHub> {
  const { cloud, clock, store, log, authorization, plainAllowUids, kubeletHealthGraceMs } = options;
  const { further = [], lbMode = "rr", workingMode = "edge", nodeName = usualNodeName } = options;
  const createUpstream = createUpstreamWith({ http2: "watches" });
  const backends = [cloud, ...further].map(({ origin, host }) => ({
    host,
    upstream: createUpstream({ origin }),
    callerUpstream: marked(createUpstream({ origin }), options.callerMark),
  }));
  const hub = await createHub({
    platform: platformOf(clock),
    nodeName,
    backends,
    lbMode,
    workingMode,
    store,
    logger: collectingLogger(log),
    metrics: createMetrics(),
    version: "test",
    ...(options.outboxStore === undefined ? {} : { outboxStore: options.outboxStore }),
    ...(options.outboxMaxBytes === undefined ? {} : { outboxMaxBytes: options.outboxMaxBytes }),
    ...(options.offlineTokenGraceMs === undefined ? {} : { offlineTokenGraceMs: options.offlineTokenGraceMs }),
    ...(options.certificates === undefined ? {} : { certificates: options.certificates }),
    ...(options.filters === undefined ? {} : { filters: options.filters }),
    ...(options.state === undefined ? {} : { state: options.state }),
    ...(authorization === undefined ? {} : { authorization }),
    ...(plainAllowUids === undefined ? {} : { plainAllowUids }),
    ...(kubeletHealthGraceMs === undefined ? {} : { kubeletHealthGraceMs }),
    ...(options.maxRequestsInFlight === undefined ? {} : { maxRequestsInFlight: options.maxRequestsInFlight }),
    ...(options.maxWatches === undefined ? {} : { maxWatches: options.maxWatches }),
    ...(options.debug === undefined ? {} : { debug: options.debug }),
  });
  const listen = createListen({});
  const plain = await listen({ hostname: "127.0.0.1", port: 0 }, hub.handle);
  const secure = await listen({ hostname: "127.0.0.1", port: 0 }, hub.handleSecure);
  const status = await listen({ hostname: "127.0.0.1", port: 0 }, hub.handleStatus);
  const origin = `http://127.0.0.1:${plain.port}`;
  const statusOrigin = `http://127.0.0.1:${status.port}`;
  return {
    origin,
    statusOrigin,
    secureOrigin: `http://127.0.0.1:${secure.port}`,
    request: (method, path, options) => send(origin + path, { method, ...options }),
    watch: async (path, headers = {}) => readWatch(await fetch(origin + path, { headers })),
    // Not checked: an assertion on what is not there fails.
    status: async () => JSON.parse((await send(`${statusOrigin}/v1/status`, { method: "GET" })).text) as HubStatus,
    outbox: async () => JSON.parse((await send(`${statusOrigin}/v1/outbox`, { method: "GET" })).text) as HubOutbox,
    async close(): Promise<void> {
      await hub.close();
      const upstreams = backends.flatMap(({ upstream, callerUpstream }) => [upstream, callerUpstream]);
      await Promise.all([plain, secure, status, ...upstreams].map((one) => one.close(0)));
      await store.close();
      await options.outboxStore?.close();
    },
  };
}

/** Only what a hub uses of its platform. */
function platformOf(clock: Clock): Platform {
  const used: Pick<Platform, "runtime" | "clock" | "random" | "join"> & { process: Pick<Platform["process"], "uid"> } =
    {
      runtime: "node",
      clock,
      random: createFakeRandom(),
      join,
      process: { uid: process.getuid?.() },
    };
  return used as Platform; // a hub that uses another port fails in every test
}

function marked(upstream: Upstream, mark: string): Upstream {
  return {
    request: (request) => upstream.request({ ...request, rawHeaders: [...request.rawHeaders, mark, "yes"] }),
    upgrade: (request) => upstream.upgrade({ ...request, rawHeaders: [...request.rawHeaders, mark, "yes"] }),
    rotate: (credentials) => upstream.rotate(credentials),
    close: (graceMs) => upstream.close(graceMs),
  };
}

function collectingLogger(lines: LogLine[]): Logger {
  return {
    log: (level, message, fields = {}) => void lines.push({ level, message, fields }),
    enabled: () => true,
  };
}

export async function send(
  url: string,
  { method, body, headers }: HubRequestOptions & { method: string },
): Promise<HubAnswer> {
  const bytes = body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body);
  const response = await fetch(url, {
    method,
    headers: { ...(bytes === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(bytes === undefined ? {} : { body: bytes as BodyInit }), // a string, or bytes
  });
  const text = await response.text();
  // Not checked: an assertion on what is not there fails.
  const parsed = (text.startsWith("{") ? JSON.parse(text) : {}) as HubAnswerBody;
  return { status: response.status, headers: response.headers, text, body: parsed };
}
