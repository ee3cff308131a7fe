import { z } from "zod";
import type { Clock } from "../platform/clock.ts";
import type { CreateUpstream } from "../platform/upstream.ts";
import { type ClusterInfo, clusterInfoPath, type ClusterProof, readClusterInfo } from "./cluster_info.ts";
import { IdentityError } from "./identity_error.ts";
import { createJsonApi, isPassing, type JsonApi, messageOf } from "./json_api.ts";

export interface CloudAccess {
  /** `https://host:port` of the API servers. */
  readonly origins: readonly string[];
  readonly createUpstream: CreateUpstream;
  readonly clock: Clock;
}

/**
 * Learns the CA of a cluster of which only addresses and a join token are known, as kubeadm join does: cluster-info is read
 * from whoever answers, proved with the token and the hashes, and read once more from a server that this CA vouches for.
 *
 * @throws IdentityError
 */
export async function discoverCluster(
  access: CloudAccess,
  proof: ClusterProof,
  signal: AbortSignal,
): Promise<ClusterInfo> {
  const found = await withApi(access, { unverified: true }, (api) => readProved(api, { proof, signal }));
  const again = await withApi(access, { ca: found.ca }, (api) => readProved(api, { proof, signal }));
  if (again.kubeconfig === found.kubeconfig) return found;
  throw new IdentityError(
    "Cannot join: cluster-info of the proved API server is another one than what was read first",
    {
      retryable: true,
    },
  );
}

interface Reading {
  readonly proof: ClusterProof;
  readonly signal: AbortSignal;
}

async function readProved(api: JsonApi, { proof, signal }: Reading): Promise<ClusterInfo> {
  const answer = await api({ method: "GET", path: clusterInfoPath, signal });
  if (answer.status === 200) return await readClusterInfo(answer.object, proof);
  throw new IdentityError(`Cannot join: kube-public/cluster-info answered ${messageOf(answer)}`, {
    retryable: isPassing(answer),
  });
}

/** How an API server is believed. */
export interface Trust {
  readonly ca?: string;
  readonly unverified?: boolean;
  readonly token?: string;
}

const closeGraceMs = 1_000;

/** Lets `use` ask the API servers over connections of its own. */
export async function withApi<T>(
  { origins, createUpstream, clock }: CloudAccess,
  { token, ...trust }: Trust,
  use: (api: JsonApi) => Promise<T>,
): Promise<T> {
  const servers = origins.map((origin) => ({
    host: new URL(origin).host,
    upstream: createUpstream({ origin, ...trust }),
  }));
  try {
    return await use(createJsonApi({ servers, clock, ...(token === undefined ? {} : { token: () => token }) }));
  } finally {
    await Promise.all(servers.map(({ upstream }) => upstream.close(closeGraceMs)));
  }
}

const nodeSchema = z.object({
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
    nodeInfo: z.object({ machineID: z.string().optional() }).optional(),
  }).optional(),
});

export interface NameOptions {
  readonly nodeName: string;
  /** Of `/etc/machine-id`; empty where it cannot be told. */
  readonly machineId: string;
  readonly signal: AbortSignal;
}

/**
 * Sees to it that the name is free: no other machine's Node of that name is Ready (as kubeadm join checks it, whose clusters
 * let holders of a join token read Nodes). Where that cannot be read nothing is known against it.
 *
 * @throws IdentityError, not retryable
 */
export async function checkNodeName(api: JsonApi, { nodeName, machineId, signal }: NameOptions): Promise<void> {
  const answer = await api({ method: "GET", path: `/api/v1/nodes/${encodeURIComponent(nodeName)}`, signal });
  if (answer.status === 401) throw refusedToken(messageOf(answer));
  const node = nodeSchema.safeParse(answer.object).data;
  if (answer.status !== 200 || node === undefined) return;
  const ready = node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  const ofMachine = node.status?.nodeInfo?.machineID;
  if (!ready || (machineId !== "" && machineId === ofMachine)) return;
  throw new IdentityError(
    `Cannot join: the node name ${nodeName} is taken: a Node of that name is Ready, and its machine ID is ` +
      `${ofMachine ?? "unknown"}, that of this machine ${machineId || "unknown (/etc/machine-id)"}. ` +
      "Give another --node-name, or delete that Node first",
    { retryable: false },
  );
}

/** What to say where the API server answers 401 to a join token. */
export function refusedToken(told: string): IdentityError {
  return new IdentityError(
    `Cannot join: the API server does not take the join token (${told}): it has expired, or its secret is wrong. ` +
      "Make a new one: kubeadm token create",
    { retryable: false },
  );
}
