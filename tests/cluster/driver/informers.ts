import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getJson, plainClient } from "./api_client.ts";
import { Child } from "./child.ts";
import { freePort } from "./ports.ts";

const START_LIMIT_MS = 20_000;

/** One informer of client-go (tests/cluster/kube/informers.go). */
export interface InformerSpec {
  readonly name: string;
  /** `protobuf` takes JSON too, as client-go's clients do by default; `protobuf-only` does not. */
  readonly client: "json" | "protobuf" | "protobuf-only" | "dynamic" | "metadata";
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface InformerState {
  readonly synced: boolean;
  /** What its cache has, by namespace/name: uid@resourceVersion. */
  readonly objects: Readonly<Record<string, string>>;
  /** The same as its handlers were told. */
  readonly handled: Readonly<Record<string, string>>;
  readonly events: number;
  /** Of lists and watches, which are tried again. */
  readonly errors: number;
  readonly lastError: string;
  /** Calls of handlers to which no correct sequence of events leads. */
  readonly problems: readonly string[];
}

export interface InformersOptions {
  /** For files and messages. */
  readonly name: string;
  readonly program: string;
  readonly dir: string;
  /** `http://127.0.0.1:PORT` of a hub. */
  readonly server: string;
  /** Whether they ask for their state by WatchList, as client-go does since 1.35, or by list and watch. */
  readonly watchList: boolean;
  readonly specs: readonly InformerSpec[];
}

/** Starts a program with informers of client-go. */
export async function startInformers(options: InformersOptions): Promise<Informers> {
  const informers = new Informers(options, await freePort());
  await informers.start();
  return informers;
}

/** A process with informers of client-go. */
export class Informers {
  readonly logFile: string;
  readonly #options: InformersOptions;
  readonly #port: number;
  #child: Child | undefined;

  constructor(options: InformersOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.logFile = join(options.dir, `${options.name}.log`);
  }

  async start(): Promise<void> {
    const { name, program, dir, server, watchList, specs } = this.#options;
    const file = join(dir, `${name}.json`);
    writeFileSync(file, JSON.stringify(specs), { mode: 0o600 });
    const child = new Child({
      name,
      program,
      args: [
        "informers",
        `--server=${server}`,
        `--informers=${file}`,
        `--port=${this.#port}`,
        `--watch-list=${watchList}`,
      ],
      logFile: this.logFile,
    });
    this.#child = child;
    await child.waitUntil("its first answer", START_LIMIT_MS, async () => {
      const answer = await plainClient(this.#port)("/", { timeoutMs: 2_000 }).catch(() => undefined);
      return answer?.status === 200 ? true : undefined;
    });
  }

  /** By the informers' names. */
  async states(): Promise<Readonly<Record<string, InformerState>>> {
    // Written by tests/cluster/kube/informers.go.
    return await getJson(plainClient(this.#port), "/") as unknown as Record<string, InformerState>;
  }

  log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, "utf8") : "";
  }

  async kill(): Promise<void> {
    await this.#child?.kill("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
  }
}
