import assert from "node:assert/strict";
import type { Cluster } from "../driver/cluster.ts";
import type { Hub } from "../driver/hub.ts";
import { type Informers, type InformerSpec, type InformerState, startInformers } from "../driver/informers.ts";
import { waitFor } from "../driver/wait.ts";
import type { Asker } from "./asker.ts";
import { keyOf } from "./history.ts";
import { collectionPath, EVERYTHING, type Kind, KINDS, type KubeJson, LABELS, PODS, type Selector } from "./kinds.ts";

type Client = InformerSpec["client"];

/** An informer of client-go and what it is about. */
export interface Watched {
  readonly spec: InformerSpec;
  readonly kind: Kind;
  readonly selector: Selector;
}

/** Informers of each kind with each of these clients, those of custom resources apart. */
export function watchedBy(ofCore: readonly Client[], ofCustom: readonly Client[]): Watched[] {
  return KINDS.flatMap((kind) => {
    const isCore = kind.apiVersion === "v1";
    const few = [EVERYTHING, ...LABELS.slice(0, 1)];
    const many = [...few, ...LABELS.slice(1, 3), ...kind.fields];
    return (isCore ? ofCore : ofCustom).flatMap((client) =>
      (client === "protobuf" && kind === PODS ? many : few).map((selector) => watchedOf(kind, selector, client))
    );
  });
}

/** Starts a program with these informers behind a hub. */
export function startWatched(
  watched: readonly Watched[],
  options: { readonly cluster: Cluster; readonly hub: Hub; readonly name: string; readonly watchList: boolean },
): Promise<Informers> {
  const { cluster, hub, name, watchList } = options;
  const { program, dir } = cluster;
  const specs = watched.map(({ spec }) => spec);
  return startInformers({ name: `${name}-${watchList}`, program, dir, server: hub.url, watchList, specs });
}

/** Waits until every cache, and what the handlers know, is what the API server says now. */
export async function assertConverged(
  programs: readonly Informers[],
  options: { readonly watched: readonly Watched[]; readonly direct: Asker; readonly limitMs: number },
): Promise<void> {
  const { watched, direct, limitMs } = options;
  const wanted = new Map<string, string>();
  for (const { spec, kind, selector } of watched) wanted.set(spec.name, await listed(direct, kind, selector));
  await waitFor("all informers to have what the API server has", limitMs, async (seen) => {
    const others: string[] = [];
    await forEachState(programs, (name, state) => {
      const want = wanted.get(name);
      const [objects, handled] = [state.objects, state.handled].map(inOrder);
      if (state.synced && objects === want && handled === want) return;
      others.push(`${name}: ${state.lastError}\n want ${want}\n has  ${objects}\n told ${handled}`);
    });
    seen(`${others.length} others: ${others.slice(0, 3).join("\n")}`);
    return others.length === 0;
  });
}

export async function forEachState(
  programs: readonly Informers[],
  look: (name: string, state: InformerState) => void,
): Promise<void> {
  for (const program of programs) {
    for (const [name, state] of Object.entries(await program.states())) look(name, state);
  }
}

/** For a moment after a start the API server says 429 of custom resources. */
export async function waitForKinds(direct: Asker): Promise<void> {
  for (const kind of KINDS) {
    await waitFor(`${kind.resource} to be served`, 10_000, async () => {
      return (await direct.ask({ path: collectionPath(kind, "") })).status === 200;
    });
  }
}

function watchedOf(kind: Kind, selector: Selector, client: Client): Watched {
  const { labelSelector, fieldSelector } = selector;
  const [group = "", version = ""] = kind.apiVersion.includes("/") ? kind.apiVersion.split("/") : ["", kind.apiVersion];
  const spec = {
    name: `${client} ${kind.resource} ${labelSelector ?? ""}${fieldSelector ?? ""}`,
    client,
    group,
    version,
    resource: kind.resource,
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
  return { kind, selector, spec };
}

async function listed(direct: Asker, kind: Kind, { labelSelector, fieldSelector }: Selector): Promise<string> {
  const query = new URLSearchParams({ labelSelector: labelSelector ?? "", fieldSelector: fieldSelector ?? "" });
  const answer = await direct.ask({ path: `${collectionPath(kind, "")}?${query}` });
  assert.equal(answer.status, 200, answer.text);
  // Status 200: a list.
  const { items } = JSON.parse(answer.text) as { readonly items: readonly KubeJson[] };
  return inOrder(Object.fromEntries(items.map((object) => {
    const { uid, resourceVersion } = object.metadata;
    return [keyOf(object).replace(/^\//, ""), `${uid}@${resourceVersion}`];
  })));
}

function inOrder(object: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(object).sort(([a], [b]) => a < b ? -1 : 1));
}
