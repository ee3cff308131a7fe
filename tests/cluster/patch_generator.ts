import { Dice } from "../simulation/dice.ts";
import { containerStatus, NODE, POD } from "../unit/kube/patch_objects.ts";

type Values = Record<string, unknown>;

const CONDITIONS: readonly string[] = ["Ready", "Initialized", "MemoryPressure", "example.com/a", "example.com/b"];
const CLAIMS: readonly string[] = ["gpu", "nic", "fpga"];
const FINALIZERS: readonly string[] = ["a", "b", "c", "d"].map((one) => `example.com/${one}`);
const OWNERS: readonly string[] = ["u1", "u2", "u3"];

/** A kind's merge lists: the key of their elements, its values, and the other members. */
interface ListShape {
  readonly by: string;
  readonly keys: readonly string[];
  readonly members: (dice: Dice) => Values;
}

const CONDITION_SHAPE: ListShape = {
  by: "type",
  keys: CONDITIONS,
  members: (dice) => ({
    status: dice.pick(["True", "False", "Unknown"]),
    lastTransitionTime: `2026-01-02T03:00:0${dice.int(0, 9)}Z`,
    ...(dice.chance(0.5) ? { reason: dice.pick(["One", "Two"]) } : {}),
    ...(dice.chance(0.5) ? { message: dice.pick(["<one>", "two"]) } : {}),
  }),
};

const SHAPES: Readonly<Record<"node" | "pod", Readonly<Record<string, ListShape>>>> = {
  node: {
    conditions: CONDITION_SHAPE,
    addresses: {
      by: "type",
      keys: ["InternalIP", "ExternalIP", "Hostname"],
      members: (dice) => ({ address: `192.0.2.${dice.int(1, 9)}` }),
    },
  },
  pod: {
    conditions: CONDITION_SHAPE,
    resourceClaimStatuses: {
      by: "name",
      keys: CLAIMS,
      members: (dice) => ({ resourceClaimName: `claim-${dice.int(1, 2)}` }),
    },
    podIPs: { by: "ip", keys: ["10.1.0.2", "fd00::9"], members: () => ({}) },
  },
};

const OWNER_SHAPE: ListShape = {
  by: "uid",
  keys: OWNERS,
  members: (dice) => ({ apiVersion: "v1", kind: "ConfigMap", name: dice.pick(["one", "two"]) }),
};

/** A strategic merge patch of what the sample objects hold, from a seed: not always one that the API server takes. */
export function generatePatch(kind: "node" | "pod", seed: number): unknown {
  const dice = new Dice(seed);
  const status: Values = {};
  for (const [name, shape] of Object.entries(SHAPES[kind])) {
    if (dice.chance(0.6)) addMergedList(status, name, { dice, shape, held: heldKeys(kind, name, shape.by) });
  }
  if (kind === "node") addNodeMembers(status, dice);
  else addPodMembers(status, dice);
  const metadata: Values = {};
  if (dice.chance(0.4)) metadata["labels"] = mapChange(dice, ["zone", "app", "example.com/x"]);
  if (dice.chance(0.3)) addFinalizers(metadata, dice);
  if (dice.chance(0.3)) addMergedList(metadata, "ownerReferences", { dice, shape: OWNER_SHAPE, held: ["u1", "u2"] });
  return { ...(dice.chance(0.9) ? { status } : {}), ...(Object.keys(metadata).length > 0 ? { metadata } : {}) };
}

function heldKeys(kind: "node" | "pod", list: string, by: string): string[] {
  const held: unknown = Reflect.get(kind === "node" ? NODE.status : POD.status, list);
  return Array.isArray(held) ? held.map((one) => String(Reflect.get(Object(one), by))) : [];
}

interface ListChange {
  readonly dice: Dice;
  readonly shape: ListShape;
  readonly held: readonly string[];
}

function addMergedList(target: Values, name: string, { dice, shape, held }: ListChange): void {
  const { by, keys } = shape;
  const set = dice.some(keys, dice.int(0, keys.length));
  const elements: Values[] = set.map((key) => ({
    [by]: key,
    ...someMembers(dice, shape.members(dice), held.includes(key)),
  }));
  const deleted = keys.filter((key) => !set.includes(key) && dice.chance(0.25));
  for (const key of deleted) elements.splice(dice.int(0, elements.length), 0, { [by]: key, $patch: "delete" });
  if (dice.chance(0.1)) elements.unshift({ $patch: "replace" });
  if (elements.length > 0) target[name] = elements;
  if (!dice.chance(0.6)) return;
  const order = [...set];
  for (const key of new Set(held)) {
    if (!order.includes(key) && !deleted.includes(key)) order.splice(dice.int(0, order.length), 0, key);
  }
  target[`$setElementOrder/${name}`] = order.filter((key) => set.includes(key) || dice.chance(0.8)).map((key) => ({
    [by]: key,
  }));
}

/** All members of a new element; of one that is held some, and null now and then. */
function someMembers(dice: Dice, members: Values, isHeld: boolean): Values {
  if (!isHeld) return members;
  const left = Object.entries(members).filter(([key]) => dice.chance(0.7) || key === "apiVersion" || key === "kind");
  const optional = Object.keys(members).filter((key) => key === "reason" || key === "message");
  const result: Values = Object.fromEntries(left);
  for (const key of optional) if (dice.chance(0.2)) result[key] = null;
  return result;
}

function addNodeMembers(status: Values, dice: Dice): void {
  if (dice.chance(0.5)) status["capacity"] = mapChange(dice, ["cpu", "memory", "example.com/x"]);
  if (dice.chance(0.3)) status["images"] = dice.chance(0.2) ? null : [{ names: ["n:1"], sizeBytes: dice.int(1, 9) }];
  if (dice.chance(0.3)) status["volumesInUse"] = dice.some(["v/1", "v/2", "v/3"], dice.int(0, 3));
  if (dice.chance(0.3)) status["nodeInfo"] = { kernelVersion: `6.${dice.int(1, 9)}` };
}

function addPodMembers(status: Values, dice: Dice): void {
  if (dice.chance(0.4)) status["phase"] = dice.pick(["Pending", "Running", "Succeeded"]);
  if (dice.chance(0.4)) status["message"] = dice.chance(0.5) ? null : "other";
  if (dice.chance(0.5)) {
    status["containerStatuses"] = [containerStatus({ restartCount: dice.int(0, 9), ready: dice.chance(0.5) })];
  }
}

function mapChange(dice: Dice, keys: readonly string[]): Values {
  const change: Values = {};
  for (const key of dice.some(keys, dice.int(1, keys.length))) {
    change[key] = dice.chance(0.3) ? null : `${dice.int(1, 9)}`;
  }
  if (dice.chance(0.1)) change["$patch"] = "replace";
  if (dice.chance(0.1)) change["$retainKeys"] = keys;
  return change;
}

function addFinalizers(metadata: Values, dice: Dice): void {
  const set = dice.some(FINALIZERS, dice.int(0, 3));
  const deleted = FINALIZERS.filter((one) => !set.includes(one) && dice.chance(0.3));
  if (set.length > 0) metadata["finalizers"] = set;
  if (deleted.length > 0) metadata["$deleteFromPrimitiveList/finalizers"] = deleted;
  if (dice.chance(0.4)) metadata["$setElementOrder/finalizers"] = [...set, ...dice.some(FINALIZERS, 2)].filter(isFirst);
}

function isFirst<T>(one: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(one) === index;
}
