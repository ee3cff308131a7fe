import { setImmediate } from "node:timers";
import { createHub, type Hub, type HubOptions } from "../../src/hub/hub.ts";
import { serviceAccountCaller } from "../../src/identity/caller.ts";
import { unauthorized } from "../../src/kube/status.ts";
import type { Clock } from "../../src/platform/clock.ts";
import type { Logger } from "../../src/platform/logger.ts";
import type { Metrics } from "../../src/platform/metrics.ts";
import type { Platform } from "../../src/platform/platform.ts";
import type { Store } from "../../src/platform/store.ts";
import type { Upstream } from "../../src/platform/upstream.ts";
import type { Dice } from "./dice.ts";
import { type AnswerReader, LocalExchange, type LocalRequest } from "./local_exchange.ts";
import type { Oracle } from "./oracle.ts";
import { expiryOf, userOf } from "./sim_authorizer.ts";
import type { CountingClock, SimClock } from "./sim_clock.ts";
import type { NetworkClient, SimNetwork } from "./sim_network.ts";
import type { SimStore } from "./sim_store.ts";

type Identify = NonNullable<HubOptions["identify"]>;

/** What stands in place of the ports' own behaviour: a planted fault. */
export interface Plant {
  readonly upstream?: (upstream: Upstream) => Upstream;
  readonly identify?: (identify: Identify) => Identify;
  readonly store?: (store: Store) => Store;
  readonly outboxStore?: (store: Store) => Store;
  /** Between the hub's answer and its reader. */
  readonly answers?: (request: LocalRequest, reader: AnswerReader) => AnswerReader;
}

export interface SimHostOptions {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly store: SimStore;
  readonly outboxStore: SimStore;
  readonly oracle: Oracle;
  readonly dice: Dice;
  readonly plant: Plant;
  readonly trace: (line: () => string) => void;
  /** Whether anybody reads the trace. */
  readonly tracing: boolean;
}

export const nodeName = "node-1";

interface Running {
  readonly hub: Hub;
  readonly clock: CountingClock;
  readonly upstream: NetworkClient;
  readonly store: ReturnType<SimStore["open"]>;
  readonly outboxStore: ReturnType<SimStore["open"]>;
  readonly exchanges: Set<LocalExchange>;
}

/** The machine that the hub runs on: starts, ends and kills it, and takes its clients' requests. */
export class SimHost {
  readonly #options: SimHostOptions;
  readonly #requests = new Map<string, Request>();
  #running: Running | undefined;
  #isStarting = false;
  #starting: Promise<void> = Promise.resolve();
  /** The next waits for it, as for the lock of its files. */
  #ending: Promise<void> = Promise.resolve();

  constructor(options: SimHostOptions) {
    this.#options = options;
  }

  /** Starts a hub on what the store holds, unless one runs. */
  async start(): Promise<void> {
    if (this.#running !== undefined || this.#isStarting) return;
    this.#isStarting = true;
    this.#starting = this.#ending.then(() => this.#start()).finally(() => this.#isStarting = false);
    await this.#starting;
  }

  /** Ends the hub as SIGTERM does. Whatever it leaves behind is a violation. */
  async stop(): Promise<void> {
    await (this.#ending = this.#stop());
  }

  async #stop(): Promise<void> {
    await this.#starting;
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    await running.hub.close();
    // What is being committed is committed before another hub has the file.
    await Promise.all([running.store.close(), running.outboxStore.close()]);
    for (const exchange of [...running.exchanges]) exchange.leave();
    await new Promise<void>((resolve) => setImmediate(resolve)); // what was aborted cleans up
    const { oracle } = this.#options;
    const { openFlows } = running.upstream;
    if (running.clock.pending > 0) oracle.fail("leak", `${running.clock.pending} timers are left after close`);
    if (openFlows > 0) oracle.fail("leak", `${openFlows} requests to the cloud are left after close`);
    running.upstream.kill();
    oracle.forget();
  }

  /** Ends it as SIGKILL does: what is not committed is lost. */
  async kill(): Promise<void> {
    await this.#starting;
    this.killNow();
  }

  /** The same at this very moment, where one runs. */
  killNow(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.store.kill();
    running.outboxStore.kill();
    for (const exchange of [...running.exchanges]) exchange.leave();
    running.upstream.kill();
    this.#options.oracle.forget();
    void running.hub.close(); // may wait forever for its last commit: no process does
  }

  /** Sends one request. Where no hub runs, the connection is refused. */
  send(request: LocalRequest, reader: AnswerReader): LocalExchange {
    const running = this.#running;
    let exchange: LocalExchange | undefined;
    const ended: AnswerReader = {
      head: (status, rawHeaders) => reader.head(status, rawHeaders),
      chunk: (bytes) => reader.chunk(bytes),
      end: (complete) => {
        if (exchange !== undefined) running?.exchanges.delete(exchange);
        reader.end(complete);
      },
    };
    exchange = new LocalExchange(request, this.#options.plant.answers?.(request, ended) ?? ended);
    if (running === undefined) queueMicrotask(() => exchange?.leave());
    else {
      running.exchanges.add(exchange);
      const { hub } = running;
      void (request.token === undefined ? hub.handle : hub.handleSecure)(this.#requestOf(request), exchange);
    }
    return exchange;
  }

  /** `GET /v1/outbox`; nothing where no hub runs. */
  async outbox(): Promise<unknown> {
    const request = { method: "GET", rawPath: "/v1/outbox" };
    const nobody: AnswerReader = { head: () => undefined, chunk: () => undefined, end: () => undefined };
    const response = await this.#running?.hub.handleStatus(
      this.#requestOf(request),
      new LocalExchange(request, nobody),
    );
    return await response?.json();
  }

  /** The hub reads its method and path only: many are asked again and again. */
  #requestOf({ method, rawPath }: LocalRequest): Request {
    const key = `${method} ${rawPath}`;
    let request = this.#requests.get(key);
    if (request === undefined) {
      request = new Request(`http://127.0.0.1:10261${rawPath}`, { method });
      if (!rawPath.includes("watch=")) this.#requests.set(key, request);
    }
    return request;
  }

  async #start(): Promise<void> {
    const { clock, network, store, outboxStore, dice, plant } = this.#options;
    const opened = { store: store.open(), outboxStore: outboxStore.open() };
    const own = { clock: clock.counting(), upstream: network.connect(), ...opened };
    const upstream = plant.upstream?.(own.upstream) ?? own.upstream;
    const hub = await createHub({
      platform: platformOf(own.clock, dice),
      nodeName,
      backends: [{ upstream, callerUpstream: upstream, host: "cloud.example:6443" }],
      store: plant.store?.(own.store) ?? own.store,
      outboxStore: plant.outboxStore?.(own.outboxStore) ?? own.outboxStore,
      logger: this.#logger(),
      metrics: noMetrics,
      version: "simulation",
      identify: plant.identify?.(identifying(own.clock)) ?? identifying(own.clock),
    });
    this.#running = { ...own, hub, exchanges: new Set() };
  }

  #logger(): Logger {
    const { oracle, trace, clock } = this.#options;
    const forgetful = clock.counting();
    return {
      log: (level, message, fields = {}) => {
        trace(() => `    hub: ${level} ${message} ${JSON.stringify(fields)}`);
        // With it goes what it has shown, and what its watches are about to show.
        if (message.startsWith("A collection cannot be read")) forgetful.setTimer(1, () => oracle.forget());
        if (message === "A request failed") oracle.fail("error", JSON.stringify(fields));
      },
      enabled: (level) => level !== "debug" || this.#options.tracing,
    };
  }
}

/** Tokens are as the simulated authorizer gives them: to verify real ones would take real time. */
function identifying(clock: Clock): Identify {
  return (exchange) => {
    const token = exchange.header("authorization")?.replace("Bearer ", "") ?? "";
    if (token === "" || expiryOf(token) <= clock.now()) return Promise.reject(unauthorized());
    const name = userOf(token);
    return Promise.resolve(serviceAccountCaller({
      token,
      issuer: "cloud",
      audiences: ["cloud"],
      namespace: "a",
      serviceAccount: { name, uid: name },
      notBefore: 0,
      expiresAt: expiryOf(token),
    }));
  };
}

/** Only what a hub uses of its platform. */
function platformOf(clock: CountingClock, dice: Dice): Platform {
  const used: Pick<Platform, "runtime" | "clock" | "random"> & { process: Pick<Platform["process"], "uid"> } = {
    runtime: "node",
    clock,
    random: dice.random,
    process: { uid: 0 },
  };
  return used as Platform; // a hub that uses another port fails in every seed
}

const noMetrics: Metrics = {
  counter: () => ({ add: () => undefined }),
  gauge: () => undefined,
  counted: () => undefined,
  render: () => Promise.resolve({ contentType: "text/plain", text: "" }),
};
