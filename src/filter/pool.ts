import type { FilterObject, Lookup, Lookups } from "./filter.ts";
import { objectAt, objectsAt, textAt } from "./read_object.ts";

/** Where a filter runs. */
export interface FilterNode {
  readonly nodeName: string;
  /** What the node's configuration says; empty where the cluster is asked. */
  readonly nodePoolName: string;
}

/** A pool, or a part of one, as the cluster has it. */
export interface PoolPart {
  readonly pool: string;
  readonly nodes: readonly string[];
  readonly hostNetwork: boolean;
}

/** A pool with all of its nodes. */
export interface Pool {
  readonly name: string;
  readonly nodes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
}

const poolLabel = "apps.openyurt.io/nodepool";
const bucketPoolLabel = "openyurt.io/pool-name";
const group = "apps.openyurt.io";

/** Pools of nodes, from whatever the cluster has: NodePools, NodeBuckets, or labels of nodes. */
export const poolsLookup: Lookup<PoolPart> = {
  name: "pools",
  optional: true,
  sources: [
    { group, version: "v1beta2", resource: "nodepools", select: ofNodePool },
    { group, version: "v1beta1", resource: "nodepools", select: ofNodePool },
    { group, version: "v1alpha1", resource: "nodepools", select: ofNodePool },
    { group, version: "v1alpha1", resource: "nodebuckets", select: ofNodeBucket },
    { group: "", version: "v1", resource: "nodes", labelSelector: poolLabel, select: ofNode },
  ],
};

/** The pool of this node; undefined where it is in none. It is found anew in each moment's tables. */
function poolOf(lookups: Lookups, node: FilterNode): Pool | undefined {
  const { nodeName, nodePoolName } = node;
  const parts = [...lookups.values(poolsLookup)];
  const name = nodePoolName || parts.find(({ nodes }) => nodes.includes(nodeName))?.pool;
  if (name === undefined) return undefined;
  const own = parts.filter(({ pool }) => pool === name);
  return {
    name,
    nodes: new Set(own.flatMap(({ nodes }) => nodes)),
    hostNetwork: own.some(({ hostNetwork }) => hostNetwork),
  };
}

/** `poolOf` for one node, made once for all objects that are filtered by the same tables. */
export function ownPool(node: FilterNode): (lookups: Lookups) => Pool | undefined {
  const known = new WeakMap<Lookups, { readonly pool: Pool | undefined }>();
  return (lookups) => {
    let found = known.get(lookups);
    if (found === undefined) known.set(lookups, found = { pool: poolOf(lookups, node) });
    return found.pool;
  };
}

function ofNodePool(object: FilterObject): PoolPart {
  const nodes = objectAt(object, "status")["nodes"];
  return {
    pool: textAt(objectAt(object, "metadata"), "name"),
    nodes: Array.isArray(nodes) ? nodes.filter((node) => typeof node === "string") : [],
    hostNetwork: objectAt(object, "spec")["hostNetwork"] === true,
  };
}

function ofNodeBucket(object: FilterObject): PoolPart | undefined {
  const pool = textAt(objectAt(objectAt(object, "metadata"), "labels"), bucketPoolLabel);
  const nodes = objectsAt(object, "nodes").map((node) => textAt(node, "name"));
  return pool === "" ? undefined : { pool, nodes, hostNetwork: false };
}

function ofNode(object: FilterObject): PoolPart | undefined {
  const metadata = objectAt(object, "metadata");
  const pool = textAt(objectAt(metadata, "labels"), poolLabel);
  return pool === "" ? undefined : { pool, nodes: [textAt(metadata, "name")], hostNetwork: false };
}
