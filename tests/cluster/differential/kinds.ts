import type { KubeObject } from "../driver/api_client.ts";
import type { Random } from "../../../src/platform/random.ts";

/** An object as its JSON has it. Only what the tests read is named. */
export interface KubeJson extends Pick<KubeObject, "kind" | "metadata" | "spec"> {
  readonly apiVersion?: string;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** A selector with what it means, told apart from the hub's own reading of it. */
export interface Selector {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** The hub cannot tell what it selects: fields of custom resources are known to the API server only. */
  readonly isOpaque?: boolean;
  readonly selects: (object: KubeJson) => boolean;
}

/** A resource that the random writer writes. */
export interface Kind {
  readonly resource: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Beside apiVersion, kind and metadata. */
  readonly members: (dice: Dice) => Readonly<Record<string, unknown>>;
  /** A merge patch of the status, where the resource has one that selectors look at. */
  readonly status?: (dice: Dice) => unknown;
  readonly fields: readonly Selector[];
}

export const NAMESPACES: readonly string[] = ["red", "green", "blue"];
/** Few, so that names come back. */
export const NAMES: readonly string[] = ["n1", "n2", "n3", "n4", "n5", "n6"];

export class Dice {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  chance(probability: number): boolean {
    return this.#random.float() < probability;
  }

  below(count: number): number {
    return Math.floor(this.#random.float() * count);
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new Error("Nothing to pick from");
    return choice;
  }
}

const named: readonly Selector[] = [
  { fieldSelector: "metadata.name=n1", selects: ({ metadata }) => metadata.name === "n1" },
  { fieldSelector: "metadata.name!=n2", selects: ({ metadata }) => metadata.name !== "n2" },
];
const inNamespace: Selector = {
  fieldSelector: "metadata.namespace=red,metadata.name=n3",
  selects: ({ metadata }) => metadata.namespace === "red" && metadata.name === "n3",
};

export const PODS: Kind = {
  resource: "pods",
  apiVersion: "v1",
  kind: "Pod",
  namespaced: true,
  members: (dice) => ({
    spec: {
      ...(dice.chance(0.6) ? { nodeName: dice.pick(["ghost-1", "ghost-2"]) } : {}),
      containers: [{ name: "main", image: "none" }],
    },
  }),
  status: (dice) => ({ status: { phase: dice.pick(["Running", "Succeeded", "Failed", "Pending"]) } }),
  fields: [
    ...named,
    inNamespace,
    { fieldSelector: "spec.nodeName=ghost-1", selects: ({ spec }) => spec?.["nodeName"] === "ghost-1" },
    { fieldSelector: "spec.nodeName=", selects: ({ spec }) => (spec?.["nodeName"] ?? "") === "" },
    { fieldSelector: "status.phase=Running", selects: ({ status }) => status?.["phase"] === "Running" },
    {
      fieldSelector: "spec.nodeName=ghost-1,status.phase!=Succeeded",
      selects: ({ spec, status }) => spec?.["nodeName"] === "ghost-1" && status?.["phase"] !== "Succeeded",
    },
  ],
};

export const CONFIG_MAPS: Kind = {
  resource: "configmaps",
  apiVersion: "v1",
  kind: "ConfigMap",
  namespaced: true,
  members: (dice) => ({ data: { text: 'é😀\u2028\\"<&>'.repeat(dice.below(3)), number: String(dice.below(1e9)) } }),
  fields: [...named, inNamespace],
};

export const NODES: Kind = {
  resource: "nodes",
  apiVersion: "v1",
  kind: "Node",
  namespaced: false,
  members: (dice) => ({ spec: dice.chance(0.5) ? { unschedulable: true } : {} }),
  fields: [
    ...named,
    { fieldSelector: "spec.unschedulable=true", selects: ({ spec }) => spec?.["unschedulable"] === true },
    { fieldSelector: "spec.unschedulable=false", selects: ({ spec }) => spec?.["unschedulable"] !== true },
  ],
};

export const WIDGETS: Kind = {
  resource: "widgets",
  apiVersion: "example.com/v1",
  kind: "Widget",
  namespaced: true,
  members: (dice) => ({
    spec: { colour: dice.pick(["red", "green"]), size: dice.below(1e15), list: [1, 2.5, null, { "a b": "\u0001" }] },
  }),
  fields: [
    ...named,
    { fieldSelector: "spec.colour=red", isOpaque: true, selects: ({ spec }) => spec?.["colour"] === "red" },
  ],
};

export const KINDS: readonly Kind[] = [PODS, CONFIG_MAPS, NODES, WIDGETS];

export const LABELS: readonly Selector[] = [
  labelled("app=a", ({ app }) => app === "a"),
  labelled("app!=a", ({ app }) => app !== "a"),
  labelled("app in (a,b)", ({ app }) => app === "a" || app === "b"),
  labelled("app notin (b),tier", ({ app, tier }) => app !== "b" && tier !== undefined),
  labelled("!tier", ({ tier }) => tier === undefined),
  labelled("app==b,tier=front", ({ app, tier }) => app === "b" && tier === "front"),
];
export const EVERYTHING: Selector = { selects: () => true };

/** Of a random object. */
export function randomLabels(dice: Dice): Readonly<Record<string, string>> {
  return {
    app: dice.pick(["a", "b", "c"]),
    ...(dice.chance(0.5) ? { tier: dice.pick(["front", "back"]) } : {}),
  };
}

/** `/api/v1/namespaces/red/pods`; all namespaces where none is named. */
export function collectionPath(kind: Kind, namespace: string): string {
  const root = kind.apiVersion.includes("/") ? `/apis/${kind.apiVersion}` : `/api/${kind.apiVersion}`;
  return `${root}${namespace === "" ? "" : `/namespaces/${namespace}`}/${kind.resource}`;
}

function labelled(
  labelSelector: string,
  matches: (labels: { readonly app?: string; readonly tier?: string }) => boolean,
): Selector {
  return { labelSelector, selects: ({ metadata }) => matches(metadata.labels ?? {}) };
}
