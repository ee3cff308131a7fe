import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiClient, directClient } from "./api_client.ts";
import { Child } from "./child.ts";
import { ClusterParts } from "./cluster_parts.ts";
import { Etcd } from "./etcd.ts";
import { buildKube } from "./kube_program.ts";
import { type Kubectl, kubectl } from "./kubectl.ts";
import { endProcessesOf } from "./leftovers.ts";
import { freePort, freePortRow } from "./ports.ts";
import { waitFor } from "./wait.ts";

const READY_LIMIT_MS = 60_000;
/** Linux takes 107 bytes for the path of a socket, and kubelet's longest here is DIR/node-1-at-hub/kubelet/pod-resources/1234567890. */
const DIR_CHARACTERS_MAX = 58;

export interface ClusterOptions {
  /** Nodes of the cluster's own, directly at the API server. @default {0} */
  readonly nodes?: number;
  /** @default {false} */
  readonly scheduler?: boolean;
  /** @default {a free one} */
  readonly apiPort?: number;
  /** API servers on the one etcd, at ports in a row. @default {1} */
  readonly apiServers?: number;
  /** Further flags of `kube up`. */
  readonly flags?: readonly string[];
  /** @default {a new one below the system's temporary folder} */
  readonly dir?: string;
}

interface ClusterSetup {
  readonly program: string;
  readonly dir: string;
  readonly apiPorts: readonly number[];
  readonly etcdPort: number;
}

/** Starts a control plane and waits until a pod can be made in it. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const program = await buildKube();
  const given = process.env["HOLDFAST_CLUSTER_DIR"];
  const dir = options.dir ?? mkdtempSync(given ? join(given, "c-") : join(tmpdir(), "holdfast-cluster-"));
  if (dir.length > DIR_CHARACTERS_MAX) {
    throw new Error(`Cannot have sockets below ${dir}: over ${DIR_CHARACTERS_MAX} characters`);
  }
  const { nodes = 0, apiServers = 1, apiPort = await freePortRow(apiServers) } = options;
  const etcdPort = await freePort();
  const apiPorts = Array.from({ length: apiServers }, (_, index) => apiPort + index);
  const cluster = new Cluster({ program, dir, apiPorts, etcdPort });
  const flags = [
    `--api-servers=${apiServers}`,
    `--etcd-port=${etcdPort}`,
    ...(nodes > 0 ? [`--nodes=${nodes}`, `--kubelet-port=${await freePortRow(nodes)}`] : []),
    ...(options.scheduler ? ["--scheduler"] : []),
    ...(options.flags ?? []),
  ];
  try {
    await cluster.start(flags);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** A control plane in a folder, with all that a test adds to it there. */
export class Cluster {
  readonly program: string;
  readonly dir: string;
  /** Of the first API server. */
  readonly apiPort: number;
  readonly apiPorts: readonly number[];
  readonly parts: ClusterParts;
  readonly etcd: Etcd;
  #up: Child | undefined;

  constructor(options: ClusterSetup) {
    this.program = options.program;
    this.dir = options.dir;
    const [apiPort] = options.apiPorts;
    if (apiPort === undefined) throw new RangeError("A cluster needs an API server");
    this.apiPort = apiPort;
    this.apiPorts = options.apiPorts;
    this.parts = new ClusterParts({ dir: options.dir, isReady: () => this.#isReady() });
    this.etcd = new Etcd({ dir: options.dir, port: options.etcdPort, parts: this.parts });
  }

  /** The API server itself, as cluster-admin. */
  get api(): ApiClient {
    return directClient({ dir: this.dir, port: this.apiPort });
  }

  /** Each API server, as cluster-admin. */
  get apis(): readonly ApiClient[] {
    return this.apiPorts.map((port) => directClient({ dir: this.dir, port }));
  }

  /** The file of `admin` or `node-1` … `node-4`. */
  kubeconfig(identity: string): string {
    return join(this.dir, `${identity}.kubeconfig`);
  }

  file(name: string): string {
    return join(this.dir, name);
  }

  /** kubectl as cluster-admin, directly at the API server. */
  get direct(): Kubectl {
    return kubectl({
      program: this.program,
      kubeconfig: this.kubeconfig("admin"),
      cacheDir: this.file("kubectl-direct"),
    });
  }

  /** kubectl without credentials at a plain server. */
  kubectlAt(server: string): Kubectl {
    const port = new URL(server).port;
    return kubectl({ program: this.program, server, cacheDir: this.file(`kubectl-${port}`) });
  }

  async start(flags: readonly string[]): Promise<void> {
    const up = new Child({
      name: "kube up",
      program: this.program,
      args: ["up", `--dir=${this.dir}`, `--api-port=${this.apiPort}`, ...flags],
      logFile: this.file("up.log"),
    });
    this.#up = up;
    await up.waitUntil("'ready' of kube up", READY_LIMIT_MS, () => /^ready /m.test(up.log()) || undefined);
    await waitFor("every API server", READY_LIMIT_MS, async (seen) => {
      const answers = await Promise.all(this.apis.map((api) => api("/readyz", { timeoutMs: 2_000 })));
      seen(answers.map(({ text }) => text));
      return answers.every(({ status }) => status === 200);
    });
    await waitFor("the default service account", 20_000, async (seen) => {
      const answer = await this.api("/api/v1/namespaces/default/serviceaccounts/default");
      seen(answer.text);
      return answer.status === 200;
    });
  }

  async #isReady(): Promise<boolean> {
    return (await this.api("/readyz", { timeoutMs: 2_000 })).status === 200;
  }

  /**
   * Ends the control plane and every process that belongs to the folder, and removes the folder, unless it lies in
   * `HOLDFAST_CLUSTER_DIR`, whose owner removes it, or `HOLDFAST_CLUSTER_KEEP` is set.
   */
  async stop(): Promise<void> {
    await this.#up?.stop(15_000);
    await endProcessesOf(this.dir);
    if (process.env["HOLDFAST_CLUSTER_DIR"]) return;
    if (process.env["HOLDFAST_CLUSTER_KEEP"]) console.log(`kept: ${this.dir}`);
    else rmSync(this.dir, { recursive: true, force: true });
  }
}
