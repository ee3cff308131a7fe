import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ApiClient, plainClient } from "./api_client.ts";
import { Child } from "./child.ts";
import { endProcessesOf, isAlive, processesOf } from "./leftovers.ts";
import { freePort } from "./ports.ts";
import { waitFor } from "./wait.ts";

const START_LIMIT_MS = 20_000;

export interface NodeOptions {
  readonly program: string;
  readonly name: string;
  /** The cluster's folder, whose CA signs the node's serving certificate. */
  readonly clusterDir: string;
  /** What kubelet talks to, `http://127.0.0.1:PORT` of a hub. It sends no credentials. */
  readonly server: string;
  /** kubelet renews its lease four times in this time. @default {10} */
  readonly leaseSeconds?: number;
  /** How it names itself in its `User-Agent`, as `kubelet`. @default {the test's program} */
  readonly argv0?: string;
  /** Whether containers see their volumes where their pods say. @default {false} */
  readonly mountNamespaces?: boolean;
}

/** A container as the node's runtime knows it. */
export interface NodeContainer {
  readonly id: string;
  readonly pod: string;
  readonly name: string;
  readonly pid: number;
  readonly alive: boolean;
}

/** Starts a real kubelet, and its runtime, that knows no other server than the given one. */
export async function startNode(options: NodeOptions): Promise<KubeNode> {
  const kubeconfig = join(options.clusterDir, `${options.name}-at-hub.kubeconfig`);
  writeFileSync(kubeconfig, JSON.stringify(plainKubeconfig(options.server)), { mode: 0o600 });
  const node = new KubeNode({ ...options, kubeconfig, port: await freePort(), readOnlyPort: await freePort() });
  await node.start();
  return node;
}

interface NodeSetup extends NodeOptions {
  readonly kubeconfig: string;
  readonly port: number;
  readonly readOnlyPort: number;
}

/** A node: kubelet is a process of its own, and its runtime and containers outlive its SIGKILL. */
export class KubeNode {
  readonly name: string;
  readonly dir: string;
  readonly logFile: string;
  /** kubelet's own view: `/pods`. */
  readonly kubelet: ApiClient;
  readonly #options: NodeSetup;
  #process: Child | undefined;

  constructor(options: NodeSetup) {
    this.#options = options;
    this.kubelet = plainClient(options.readOnlyPort);
    this.name = options.name;
    this.dir = join(options.clusterDir, `${options.name}-at-hub`);
    this.logFile = `${this.dir}.log`;
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
  }

  /** Starts kubelet, which finds the runtime that an earlier one has left, and waits until it serves. */
  async start(): Promise<void> {
    if (this.#process?.running) throw new Error(`${this.name} runs already`);
    const { program, name, kubeconfig, port, readOnlyPort, clusterDir, leaseSeconds = 10, argv0 } = this.#options;
    const { mountNamespaces = false } = this.#options;
    const kubelet = new Child({
      name: `kubelet ${name}`,
      program,
      args: [
        "node",
        `--name=${name}`,
        `--kubeconfig=${kubeconfig}`,
        `--dir=${this.dir}`,
        `--kubelet-port=${port}`,
        `--read-only-port=${readOnlyPort}`,
        `--client-ca-file=${join(clusterDir, "ca.crt")}`,
        `--node-lease-duration-seconds=${leaseSeconds}`,
        `--mount-namespaces=${mountNamespaces}`,
      ],
      logFile: this.logFile,
      ...(argv0 === undefined ? {} : { argv0 }),
    });
    this.#process = kubelet;
    await kubelet.waitUntil("its answer to /pods", START_LIMIT_MS, async () => {
      const answer = await this.kubelet("/pods", { timeoutMs: 2_000 }).catch(() => undefined);
      return answer?.status === 200 ? true : undefined;
    });
  }

  get running(): boolean {
    return this.#process?.running ?? false;
  }

  get pid(): number {
    if (this.#process === undefined) throw new Error(`${this.name} was never started`);
    return this.#process.pid;
  }

  log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, "utf8") : "";
  }

  /** How often kubelet has registered, over all its starts. */
  get registrations(): number {
    return this.log().split(`"Successfully registered node" node="${this.name}"`).length - 1;
  }

  /** Kills kubelet alone. */
  async killKubelet(): Promise<void> {
    await this.#process?.kill("SIGKILL");
  }

  /** Kills kubelet, the runtime and all containers at once. */
  async powerOff(): Promise<void> {
    await endProcessesOf(this.dir);
    await this.killKubelet();
  }

  /** Ends kubelet, the runtime and all containers. */
  async stop(): Promise<void> {
    if (this.#process?.running) await this.#process.stop();
    const runtime = processesOf(this.dir).find(({ command }) => command.includes(" runtime --socket="));
    if (runtime === undefined) return;
    process.kill(runtime.pid, "SIGTERM");
    await waitFor(`the end of the runtime of ${this.name}`, 10_000, () => !isAlive(runtime.pid));
  }

  /** Those that have been started and, as far as the runtime knows, have not ended. */
  containers(): NodeContainer[] {
    const folder = join(this.dir, "runtime", "containers");
    if (!existsSync(folder)) return [];
    return readdirSync(folder).flatMap((id) => {
      const file = join(folder, id, "state.json");
      return existsSync(file) ? readContainer(file) : [];
    });
  }

  /** The pid of a pod's first process; pods of other namespaces must have other names. @throws Error where none runs */
  pidOf(pod: string): number {
    const found = this.containers().filter((one) => one.pod === pod && one.alive);
    const [container] = found;
    if (container === undefined || found.length > 1) {
      throw new Error(`${pod} has ${found.length} running containers: ${JSON.stringify(this.containers())}`);
    }
    return container.pid;
  }
}

function plainKubeconfig(server: string): unknown {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "hub", cluster: { server } }],
    users: [{ name: "none", user: {} }],
    contexts: [{ name: "hub", context: { cluster: "hub", user: "none" } }],
    "current-context": "hub",
  };
}

function readContainer(file: string): NodeContainer[] {
  // Written by tests/cluster/kube/container.go.
  const state = JSON.parse(readFileSync(file, "utf8")) as ContainerState;
  if (state.StartedAt === 0 || state.FinishedAt !== 0) return [];
  return [{
    id: state.ID,
    pod: state.Config.labels["io.kubernetes.pod.name"] ?? "",
    name: state.Config.metadata.name,
    pid: state.PID,
    alive: isAlive(state.PID),
  }];
}

interface ContainerState {
  readonly ID: string;
  readonly PID: number;
  readonly StartedAt: number;
  readonly FinishedAt: number;
  readonly Config: { readonly metadata: { readonly name: string }; readonly labels: Readonly<Record<string, string>> };
}
