import fc from "fast-check";
import { allNames } from "./cloud_writer.ts";
import { healthy } from "./link_conditions.ts";
import { ScopeReader } from "./scope_reader.ts";
import { nodeUser, SimAuthorizer } from "./sim_authorizer.ts";
import { configMaps, pods, type SimQuery } from "./sim_objects.ts";
import { SimWorld, type SimWorldOptions } from "./sim_world.ts";

/** One step of a model run. */
export interface ScopeCommand {
  readonly kind: string;
  /** Picks who, and what. */
  readonly choice: number;
  readonly thenMs: number;
}

const users = [nodeUser, "red", "blue"];
const queries: readonly SimQuery[] = [
  { resource: configMaps, namespace: "a" },
  { resource: configMaps, namespace: "b" },
  { resource: configMaps, namespace: "" },
  { resource: pods, namespace: "a" },
  { resource: pods, namespace: "" },
  { resource: configMaps, namespace: "a", field: ["metadata.name", "configmaps-1"] },
];
const names = allNames.filter(({ resource }) => resource === configMaps || resource === pods);
const verbsOf = [["get"], ["list", "watch"], ["list"], ["watch"], ["get", "list", "watch"], ["get", "patch"]];

/** A cloud with an authorizer, a hub, and those who ask it. */
interface ScopeWorld {
  readonly world: SimWorld;
  readonly authorizer: SimAuthorizer;
  readonly reader: ScopeReader;
  disturb(): void;
}

type Effect = (scopes: ScopeWorld, choice: number) => void;

const read = (ask: (scopes: ScopeWorld, user: string, rest: number) => void): Effect => (scopes, choice) =>
  ask(scopes, at(users, choice), Math.floor(choice / users.length));

const effects: Readonly<Record<string, Effect>> = {
  "list": read(({ reader }, user, rest) => reader.list(user, at(queries, rest), rest % 2 === 0 ? "" : "0")),
  "get": read(({ reader }, user, rest) => reader.get(user, at(names, rest), rest % 2 === 0 ? "" : "0")),
  "watch": read(({ reader }, user, rest) => reader.watch(user, at(queries, rest))),
  "all watch": ({ reader }, choice) => users.forEach((user) => reader.watch(user, at(queries, choice))),
  "write": read(({ reader }, user, rest) => reader.write(user, at(names, rest), `w${rest}`)),
  "grant": read(({ authorizer }, user, rest) => {
    const { resource, namespace } = at(queries, rest);
    for (const verb of at(verbsOf, Math.floor(rest / queries.length))) {
      authorizer.grant({ user, verb, resource: resource.plural, namespace });
    }
  }),
  "revoke": read(({ authorizer }, user, rest) => {
    for (const { resource, namespace } of [at(queries, rest), { ...at(queries, rest), namespace: "" }]) {
      for (const verb of ["get", "list", "watch"]) {
        authorizer.revoke({ user, verb, resource: resource.plural, namespace });
      }
    }
  }),
  "the cloud writes": ({ world }, choice) => world.cloudWriter.write(at(names, choice)),
  "readers leave": ({ reader }) => reader.leave(),
  "cut": ({ world }) => world.network.set({ link: "cut" }),
  "half-open": ({ world }) => world.network.set({ link: "half-open" }),
  "errors": ({ world }) => world.network.set({ errors: 0.5 }),
  "connections break": ({ world }) => world.network.reset(),
  "heal": ({ world }) => world.network.set(healthy),
  "the API server restarts": ({ world }) => {
    world.network.reset();
    world.server.restart();
  },
  "restart": ({ world }) => void world.host.stop().then(() => world.host.start()),
  "kill": ({ world }) => void world.host.kill().then(() => world.host.start()),
};
/** What is nobody's fault. */
const calm = ["list", "get", "watch", "all watch", "write", "grant", "revoke", "the cloud writes", "readers leave"];

/** Sequences of commands. */
export const scopeSequences: fc.Arbitrary<ScopeCommand[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...Object.keys(effects), ...calm, "list", "get", "grant", "cut"),
    choice: fc.nat({ max: 999 }),
    thenMs: fc.constantFrom(0, 50, 1_000, 5_000, 30_000, 400_000),
  }),
  { minLength: 10, maxLength: 60 },
);

/**
 * Runs the commands one after the other; at its end everybody asks for everything, out of reach and after a restart.
 *
 * @returns how many answers of the replica were looked at
 */
export async function runScopes(options: SimWorldOptions, commands: readonly ScopeCommand[]): Promise<ScopeWorld> {
  const world: SimWorld = new SimWorld({ ...options, authorizer: (clock) => new SimAuthorizer(clock) });
  const { authorizer } = world;
  if (authorizer === undefined) throw new TypeError("There is no authorizer");
  let calmSince = 0;
  const clock = world.clock.counting();
  const { host, oracle, trace } = world;
  const reader = new ScopeReader({ host, oracle, clock, authorizer, calmSince: () => calmSince, trace });
  const scopes: ScopeWorld = { world, authorizer, reader, disturb: () => calmSince = clock.monotonic() };
  for (const verb of ["get", "list", "watch", "patch"]) {
    authorizer.grant({ user: nodeUser, verb, resource: "pods", namespace: "" });
    authorizer.grant({ user: "red", verb, resource: "configmaps", namespace: "a" });
    if (verb !== "patch") authorizer.grant({ user: "blue", verb, resource: "configmaps", namespace: "" });
  }
  void host.start();
  await world.advance(100);
  for (const user of users) for (const query of queries.slice(0, 4)) reader.watch(user, query);
  await world.advance(1_000);
  const run = async ({ kind, choice, thenMs }: ScopeCommand) => {
    if (world.failed) return;
    trace(() => `COMMAND ${kind} ${choice}`);
    if (!calm.includes(kind)) scopes.disturb();
    effects[kind]?.(scopes, choice);
    await world.advance(thenMs);
    // As long as something is wrong nothing has to be noticed.
    if (JSON.stringify(world.network.conditions) !== JSON.stringify(healthy)) scopes.disturb();
  };
  for (const command of commands) await run(command);
  const everything = Array.from({ length: users.length * Math.max(queries.length, names.length) }, (_, index) => index);
  for (const kind of ["cut", "restart", "heal"]) {
    await run({ kind, choice: 0, thenMs: 15_000 });
    for (const choice of everything) {
      await run({ kind: "get", choice, thenMs: 0 });
      await run({ kind: "list", choice, thenMs: 0 });
    }
    await world.advance(5_000);
  }
  reader.leave();
  await world.finish();
  return scopes;
}

function at<T>(items: readonly T[], choice: number): T {
  const item = items[choice % items.length];
  if (item === undefined) throw new RangeError("There is nothing to choose from");
  return item;
}
