import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubeconfigText } from "../testing/kubeconfig_text.ts";
import { createAuthority } from "../testing/certificates.ts";
import { BenchProcess } from "./bench_process.ts";
import type { CloudConfiguration } from "./cloud_program.ts";
import type { PreparedResource } from "./prepared_cluster.ts";
import { commandOf, projectFolder, type Runtime } from "./runtimes.ts";

/** Where the processes of one measurement lie, and what ends them. */
export class Bench {
  readonly runtime: Runtime;
  readonly folder: string;
  readonly #processes: BenchProcess[] = [];
  #files = 0;

  private constructor(runtime: Runtime, folder: string) {
    this.runtime = runtime;
    this.folder = folder;
  }

  /** Runs a measurement in a folder of its own; its processes end with it. */
  static async run<T>(runtime: Runtime, measure: (bench: Bench) => Promise<T>): Promise<T> {
    const bench = new Bench(runtime, await mkdtemp(join(tmpdir(), "holdfast-bench-")));
    try {
      return await measure(bench);
    } finally {
      for (const process of bench.#processes) await process.end();
      await rm(bench.folder, { recursive: true });
    }
  }

  start(command: readonly [string, ...string[]], environment?: Readonly<Record<string, string>>): BenchProcess {
    const process = new BenchProcess({ command, ...(environment === undefined ? {} : { environment }) });
    this.#processes.push(process);
    return process;
  }

  /** Starts a program of this folder with a file that holds its configuration. */
  async startProgram(name: string, { runtime, configuration }: {
    readonly runtime: Runtime;
    readonly configuration: unknown;
  }): Promise<BenchProcess> {
    const file = join(this.folder, `${name}_${this.#files++}.json`);
    await writeFile(file, JSON.stringify(configuration));
    return this.start([...commandOf(runtime), join(projectFolder, `tests/bench/${name}.ts`), file]);
  }
}

export interface RunningServer {
  readonly process: BenchProcess;
  readonly port: number;
}

export interface RunningCloud extends RunningServer {
  readonly kubeconfig: string;
  /** PEM */
  readonly ca: string;
  /** Ends all connections and takes no new ones. */
  cut(): Promise<void>;
}

/** Starts the cloud, always on Node: it is not what is measured. */
export async function startCloud(bench: Bench, resources: readonly PreparedResource[]): Promise<RunningCloud> {
  const authority = await createAuthority();
  const server = await authority.issue({ commonName: "kube-apiserver", names: ["127.0.0.1"] });
  const node = await authority.issue({ commonName: "system:node:node-1", organizations: ["system:nodes"] });
  const configuration: CloudConfiguration = { ...server, resources };
  const process = await bench.startProgram("cloud_program", { runtime: "node", configuration });
  const port = await portOf(process);
  const kubeconfig = join(bench.folder, `kubeconfig_${port}`);
  await writeFile(kubeconfig, kubeconfigText({ port, ca: authority.caPem, ...node }));
  return {
    process,
    port,
    kubeconfig,
    ca: authority.caPem,
    cut: async () => {
      process.say("cut");
      await process.appears(/done/);
    },
  };
}

/** Starts the control on the runtime that is measured. */
export async function startControl(bench: Bench, resource: PreparedResource): Promise<RunningServer> {
  const process = await bench.startProgram("control_program", { runtime: bench.runtime, configuration: resource });
  return { process, port: await portOf(process) };
}

export interface RunningHub extends RunningServer {
  readonly statusPort: number;
}

/** Starts `holdfast hub` on the runtime that is measured. A second one in the same bench finds what the first has stored. */
export async function startHub(
  bench: Bench,
  { kubeconfig, port }: RunningCloud,
  flags: readonly string[] = [],
): Promise<RunningHub> {
  const process = bench.start([
    ...commandOf(bench.runtime),
    join(projectFolder, `adapters/${bench.runtime}/main.ts`),
    "hub",
    `--server-addr=127.0.0.1:${port}`,
    `--kubeconfig=${kubeconfig}`,
    `--root-dir=${bench.folder}/state`,
    "--node-name=node-1",
    "--proxy-port=0",
    "--serve-port=0",
    "--enable-dummy-if=false",
    ...flags,
  ]);
  const [, proxy, status] = await process.appears(
    /Hub listens .*proxy=http:\/\/[\d.]+:(\d+) status=http:\/\/[\d.]+:(\d+)/,
  );
  return { process, port: Number(proxy), statusPort: Number(status) };
}

/** What a hub's status server tells. */
export interface HubState {
  /** Of its first collection. */
  readonly resourceVersion: string;
  /** What waits for its commit. */
  readonly pendingRows: number;
}

export async function stateOf({ statusPort }: RunningHub): Promise<HubState> {
  const response = await fetch(`http://127.0.0.1:${statusPort}/v1/status`);
  // Not checked: the hub is this project's own.
  const { collections, store } = await response.json() as {
    readonly collections: readonly { readonly resourceVersion: string }[];
    readonly store: { readonly pendingRows: number };
  };
  return { resourceVersion: collections[0]?.resourceVersion ?? "", pendingRows: store.pendingRows };
}

async function portOf(process: BenchProcess): Promise<number> {
  return Number((await process.appears(/listens on (\d+)/))[1]);
}
