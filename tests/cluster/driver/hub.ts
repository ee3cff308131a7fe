import { join } from "node:path";
import { Child } from "./child.ts";
import { type ApiClient, plainClient } from "./api_client.ts";
import { freePorts } from "./ports.ts";
import { waitFor } from "./wait.ts";

const PROJECT: string = join(import.meta.dirname, "..", "..", "..");
const READY_LIMIT_MS = 20_000;

export type Runtime = "bun" | "node" | "deno";

export interface HubOptions {
  /** For files and messages. */
  readonly name: string;
  /** @default {`HOLDFAST_RUNTIME`, else bun} */
  readonly runtime?: Runtime;
  /** Below it lie the hub's root folder and its log. */
  readonly dir: string;
  /** `https://127.0.0.1:PORT` of the API server or of a relay in front of it. */
  readonly serverAddr: string;
  /** Empty where it joins. */
  readonly kubeconfig: string;
  readonly nodeName: string;
  readonly flags?: readonly string[];
}

export type HubPorts = Pick<Hub, "proxyPort" | "servePort" | "securePort">;

/** Starts `holdfast hub` as a child process and waits until it says that it is ready. */
export async function startHub(options: HubOptions): Promise<Hub> {
  const hub = new Hub({ ...options, ...await freeHubPorts() });
  await hub.start();
  return hub;
}

export async function freeHubPorts(): Promise<HubPorts> {
  const [proxyPort, servePort, securePort] = await freePorts(3);
  if (proxyPort === undefined || servePort === undefined || securePort === undefined) throw new Error("No ports");
  return { proxyPort, servePort, securePort };
}

/** A hub in a process of its own, which may be killed and started again with the same ports and folder. */
export class Hub {
  readonly proxyPort: number;
  readonly servePort: number;
  /** Of the TLS proxy, once it has a certificate. */
  readonly securePort: number;
  readonly rootDir: string;
  readonly logFile: string;
  /** The plain proxy. */
  readonly api: ApiClient;
  /** The status server. */
  readonly status: ApiClient;
  readonly #options: HubOptions;
  #child: Child | undefined;

  constructor(options: HubOptions & HubPorts) {
    this.#options = options;
    this.proxyPort = options.proxyPort;
    this.servePort = options.servePort;
    this.securePort = options.securePort;
    this.rootDir = join(options.dir, `${options.name}-hub`);
    this.logFile = join(options.dir, `${options.name}-hub.log`);
    this.api = plainClient(options.proxyPort);
    this.status = plainClient(options.servePort);
  }

  /** What local clients are given as their server. */
  get url(): string {
    return `http://127.0.0.1:${this.proxyPort}`;
  }

  get pid(): number {
    if (this.#child === undefined) throw new Error(`The hub ${this.#options.name} was never started`);
    return this.#child.pid;
  }

  /** Starts the process and waits until `/readyz` says 200, or, with `ready: false`, until it answers `/livez`. */
  async start({ ready = true }: { readonly ready?: boolean } = {}): Promise<void> {
    const { name } = this.#options;
    const child = new Child({ name: `hub ${name}`, ...this.#command(), logFile: this.logFile, cwd: PROJECT });
    this.#child = child;
    const path = ready ? "/readyz" : "/livez";
    await child.waitUntil(`200 on ${path} of the hub ${name}`, READY_LIMIT_MS, async () => {
      const answer = await this.status(path, { timeoutMs: 2_000 }).catch(() => undefined);
      return answer?.status === 200 ? true : undefined;
    });
  }

  /** Waits until the hub itself says so. */
  async waitForLink(state: "online" | "offline", limitMs: number): Promise<void> {
    await waitFor(`the hub ${this.#options.name} to say that the link is ${state}`, limitMs, async (seen) => {
      const { text } = await this.status("/v1/status");
      seen(text);
      // The hub's own status; a missing field fails the comparison.
      return (JSON.parse(text) as { link?: { state?: string } }).link?.state === state;
    });
  }

  log(): string {
    return this.#child?.log() ?? "";
  }

  async kill(): Promise<void> {
    await this.#child?.kill("SIGKILL");
  }

  /** @throws Error where it does not end by itself */
  async stop(): Promise<void> {
    const how = await this.#child?.stop();
    if (how === "killed") throw new Error(`The hub ${this.#options.name} did not end at SIGTERM; see ${this.logFile}`);
  }

  #command(): { readonly program: string; readonly args: readonly string[] } {
    const { serverAddr, kubeconfig, nodeName, flags = [] } = this.#options;
    const runtime = this.#options.runtime ?? chosenRuntime();
    const run = runtime === "deno" ? ["run", "-A"] : [];
    return {
      program: join(PROJECT, "node_modules", ".bin", runtime),
      args: [
        ...run,
        `adapters/${runtime}/main.ts`,
        "hub",
        `--server-addr=${serverAddr}`,
        ...(kubeconfig === "" ? [] : [`--kubeconfig=${kubeconfig}`]),
        `--node-name=${nodeName}`,
        `--proxy-port=${this.proxyPort}`,
        `--serve-port=${this.servePort}`,
        `--proxy-secure-port=${this.securePort}`,
        `--root-dir=${this.rootDir}`,
        "--enable-dummy-if=false",
        ...flags,
      ],
    };
  }
}

/** What `HOLDFAST_RUNTIME` says. */
export function chosenRuntime(): Runtime {
  const runtime = process.env["HOLDFAST_RUNTIME"] || "bun";
  if (runtime !== "bun" && runtime !== "node" && runtime !== "deno") {
    throw new Error(`HOLDFAST_RUNTIME=${runtime}: bun, node or deno`);
  }
  return runtime;
}
