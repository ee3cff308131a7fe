import type { Clock } from "../../src/platform/clock.ts";
import { beyondPromises } from "./beyond_promises.ts";
import { allNames, CloudWriter } from "./cloud_writer.ts";
import { Dice } from "./dice.ts";
import { Informer } from "./informer.ts";
import { LocalClient } from "./local_client.ts";
import { LocalWriter } from "./local_writer.ts";
import { healthy } from "./link_conditions.ts";
import { waitingIn } from "./node_truth.ts";
import { Oracle } from "./oracle.ts";
import { PlainReader } from "./plain_reader.ts";
import { SimApiServer } from "./sim_api_server.ts";
import type { SimAuthorizer } from "./sim_authorizer.ts";
import { settle, SimClock } from "./sim_clock.ts";
import { SimEtcd } from "./sim_etcd.ts";
import { nodeName, type Plant, SimHost } from "./sim_host.ts";
import { SimKubelet } from "./sim_kubelet.ts";
import { SimNetwork } from "./sim_network.ts";
import { configMaps, nodes, pods, type SimQuery, widgets } from "./sim_objects.ts";
import { SimStore } from "./sim_store.ts";

/** Every query that may be asked. */
export const allQueries: readonly SimQuery[] = [
  { resource: pods, namespace: "", field: ["spec.nodeName", "node-1"] },
  { resource: pods, namespace: "" },
  { resource: configMaps, namespace: "a", field: ["metadata.name", "configmaps-1"] },
  { resource: widgets, namespace: "" },
  { resource: pods, namespace: "", label: ["app", "x"] },
  { resource: nodes, namespace: "", field: ["metadata.name", "node-1"] },
  { resource: configMaps, namespace: "b" },
  { resource: nodes, namespace: "" },
  { resource: configMaps, namespace: "" },
];

export interface SimWorldOptions {
  readonly seed: number;
  readonly plant?: Plant;
  /** Rules whose violations are not looked at. @default those that nobody can keep */
  readonly ignored?: readonly string[];
  /** @default everybody may do everything */
  readonly authorizer?: (clock: Clock) => SimAuthorizer;
  /** Takes the lines of a trace; without it none is made. */
  readonly trace?: (line: string) => void;
}

/** After the link is healed everybody is up to date within this. */
const healMs = 120_000;

/** How long it goes on at least, and how often it is looked at. */
const settledMs = 20_000;

/** A hub that ends has ended within this. */
const closeMs = 60_000;

/** A cloud, a link, a hub and its clients, all in virtual time. */
export class SimWorld {
  readonly clock: SimClock;
  readonly dice: Dice;
  readonly etcd: SimEtcd;
  readonly server: SimApiServer;
  readonly network: SimNetwork;
  readonly authorizer: SimAuthorizer | undefined;
  readonly store: SimStore;
  readonly outboxStore: SimStore;
  readonly host: SimHost;
  readonly oracle: Oracle;
  readonly client: LocalClient;
  readonly cloudWriter: CloudWriter;
  readonly reader: PlainReader;
  readonly writer: LocalWriter;
  readonly kubelet: SimKubelet;
  /** Those that are asked in this world. */
  readonly queries: readonly SimQuery[];
  readonly informers: Informer[] = [];
  readonly trace: (line: () => string) => void;

  constructor({ seed, plant = {}, trace, ignored = beyondPromises, authorizer }: SimWorldOptions) {
    this.dice = new Dice(seed);
    this.clock = new SimClock();
    const clock = this.clock.counting();
    this.trace = trace === undefined
      ? () => undefined
      : (line) => trace(`${String(this.clock.elapsedMs).padStart(7)} r${this.etcd.revision} ${line()}`);
    this.queries = this.dice.some(allQueries, this.dice.int(4, 6));
    this.etcd = new SimEtcd();
    this.oracle = new Oracle(this.etcd, clock, ignored);
    this.server = new SimApiServer(this.etcd, clock, {
      pageMax: this.dice.pick([2, 3, 500]),
      watchList: this.dice.chance(0.5),
    });
    this.cloudWriter = new CloudWriter(this.etcd, clock, this.dice.fork());
    this.cloudWriter.seed();
    this.server.restart();
    this.authorizer = authorizer?.(clock);
    const authorizing = this.authorizer === undefined ? {} : { authorizer: this.authorizer };
    this.network = new SimNetwork({
      ...authorizing,
      server: this.server,
      clock,
      dice: this.dice.fork(),
      trace: this.trace,
    });
    this.store = new SimStore(clock);
    this.outboxStore = new SimStore(clock);
    const stores = { store: this.store, outboxStore: this.outboxStore };
    const parts = { oracle: this.oracle, network: this.network, trace: this.trace };
    const tracing = trace !== undefined;
    this.host = new SimHost({ ...parts, tracing, clock: this.clock, ...stores, dice: this.dice.fork(), plant });
    this.client = new LocalClient({ ...parts, host: this.host, clock });
    const shared = { client: this.client, clock, names: allNames };
    this.reader = new PlainReader({ ...shared, dice: this.dice.fork(), queries: this.queries });
    this.writer = new LocalWriter({ ...shared, dice: this.dice.fork(), etcd: this.etcd, nodeName });
    const { network, reader } = this;
    this.kubelet = new SimKubelet({ ...shared, dice: this.dice.fork(), network, reader, nodeName });
    this.etcd.onChange(({ revision, deleted, state }) =>
      this.trace(() =>
        `etcd ${deleted ? "DELETE" : "PUT"} ${state.resource.plural}/${state.namespace}/${state.name}@${revision}`
      )
    );
  }

  /** Whether a violation was seen: what follows may be its consequence. */
  get failed(): boolean {
    return this.oracle.violations.length > 0;
  }

  addInformer(query: SimQuery, options: { readonly watchList: boolean; readonly leaves: number }): Informer {
    const informer = new Informer({
      ...options,
      name: `informer-${this.informers.length}${options.watchList ? "-watchlist" : ""}`,
      client: this.client,
      clock: this.clock.counting(),
      dice: this.dice.fork(),
      query,
    });
    this.informers.push(informer);
    void informer.run();
    return informer;
  }

  /** Lets time pass, until a violation is seen. */
  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms, () => this.failed);
  }

  /** The API server and its etcd go back to a backup of `revision`; all connections break. */
  restore(revision: number): void {
    this.trace(() => `RESTORE to ${revision}`);
    this.etcd.restore(revision);
    this.oracle.restored();
    this.server.restart();
    this.network.reset();
  }

  /** Heals everything, lets time pass, and checks that every informer has what the cloud has and that nothing is left. */
  async finish(): Promise<void> {
    this.trace(() => "HEAL");
    this.network.set(healthy);
    this.network.atNextPush(undefined);
    this.outboxStore.atNextCommit(undefined);
    for (const store of [this.store, this.outboxStore]) store.set({ commitMs: 0, full: false });
    this.cloudWriter.close();
    this.writer.close();
    this.kubelet.close();
    for (const informer of this.informers) informer.resume();
    let outbox: unknown;
    for (let ms = 0; ms < healMs; ms += settledMs) {
      await this.advance(settledMs);
      outbox = await this.host.outbox();
      if (this.#differences().length === 0 && waitingIn(outbox) === 0) break;
    }
    if (!this.failed) {
      for (const [rule, message] of this.#differences()) this.oracle.fail(rule, message);
      this.oracle.truth.checkSettled(outbox);
    }
    this.reader.close();
    for (const informer of this.informers) informer.close();
    let stopped = false;
    void this.host.stop().then(() => stopped = true);
    for (let ms = 0; ms < closeMs && !stopped; ms += 1_000) await this.clock.advance(1_000);
    await settle();
    await settle();
    if (!stopped) this.oracle.fail("leak", `the hub does not close within ${closeMs} ms`);
  }

  /** Who does not have what the cloud has: the rule, and what is missing. */
  #differences(): readonly (readonly [rule: string, message: string])[] {
    return this.informers.flatMap(({ name, objects, query, position, undone }) => {
      const expected = this.etcd.selectedAt(query, { epoch: this.etcd.epoch, revision: this.etcd.revision });
      const wrong = [...new Set([...objects.keys(), ...expected.keys()])].filter((key) =>
        objects.get(key) !== expected.get(key)
      );
      if (wrong.length === 0) return [];
      const differences = wrong.map((key) =>
        `${key}: has ${objects.get(key)?.version}, the cloud ${expected.get(key)?.version}`
      );
      return [[undone ? "epoch" : "converge", `${name} at ${position}: ${differences.join("; ")}`] as const];
    });
  }
}
