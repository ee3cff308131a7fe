import { z } from "zod";
import type { ClusterIdentity } from "../cloud/cluster_identity.ts";
import { type TokenKeys, tokenKeysSchema } from "../identity/token_keys.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { FileSystem } from "../platform/files.ts";
import type { Logger } from "../platform/logger.ts";
import type { OpenStateFile, StateFile } from "../platform/state_file.ts";

/** Where the state is kept. */
export interface HubStateOptions {
  readonly openStateFile: OpenStateFile;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly path: string;
}

/** An API server as it was known last. */
export interface KnownBackend {
  readonly state: string;
  readonly reason: string;
  /** RFC 3339. */
  readonly since: string;
}

/** The resources of one group version, as discovery named them last. */
export interface DiscoveredResources {
  /** RFC 3339. */
  readonly seenAt: string;
  readonly resources: readonly string[];
}

/** Changes are written together, this long after the first. */
const writeDelayMs = 1_000;

const backendSchema = z.object({ state: z.string(), reason: z.string(), since: z.string() });
const discoveredSchema = z.object({ seenAt: z.string(), resources: z.array(z.string()) });
const stateSchema = z.looseObject({
  format: z.literal(1),
  cluster: z.object({ caHashes: z.array(z.string()), issuer: z.string().optional() }).optional(),
  backends: z.record(z.string(), backendSchema),
  discovery: z.record(z.string(), discoveredSchema),
  tokenKeys: tokenKeysSchema.optional(),
});

interface State {
  readonly format: 1;
  readonly cluster?: { readonly caHashes: readonly string[]; readonly issuer?: string | undefined } | undefined;
  readonly backends: Readonly<Record<string, KnownBackend>>;
  readonly discovery: Readonly<Record<string, DiscoveredResources>>;
  readonly tokenKeys?: TokenKeys | undefined;
  /** What other versions have put there. */
  readonly [further: string]: unknown;
}

/**
 * Opens the small state of a hub: what must be known at the next start, and what helps who looks at a node that is cut
 * off. A file that cannot be read is kept beside it as `.damaged`.
 *
 * @throws FileError
 */
export async function openHubState(options: HubStateOptions): Promise<HubState> {
  const { openStateFile, path, files, logger } = options;
  try {
    const file = await openStateFile(path);
    const known = file.content === undefined ? undefined : stateSchema.parse(file.content);
    return new HubState(file, { ...options, ...(known === undefined ? {} : { known }) });
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    const keptAs = `${path}.damaged`;
    logger.log("error", "The state file cannot be used: it is kept aside, and a new one begun", { path, keptAs });
    const damaged = await files.read(path);
    if (damaged !== undefined) await files.writeAtomic(keptAs, damaged, { mode: 0o600 });
    await files.remove(path);
    return new HubState(await openStateFile(path), options);
  }
}

/** The small state of a hub, in a file. */
export class HubState {
  readonly #file: StateFile;
  readonly #options: HubStateOptions;
  #state: State;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: StateFile, options: HubStateOptions & { readonly known?: State }) {
    this.#file = file;
    this.#options = options;
    this.#state = options.known ?? { format: 1, backends: {}, discovery: {} };
  }

  /** The cluster that this node belongs to; missing where none was ever reached. */
  get cluster(): ClusterIdentity | undefined {
    const { cluster } = this.#state;
    if (cluster === undefined) return undefined;
    return { caHashes: cluster.caHashes, ...(cluster.issuer === undefined ? {} : { issuer: cluster.issuer }) };
  }

  get backends(): Readonly<Record<string, KnownBackend>> {
    return this.#state.backends;
  }

  get discovery(): Readonly<Record<string, DiscoveredResources>> {
    return this.#state.discovery;
  }

  /** With what service account tokens are verified; missing where no API server has told. */
  get tokenKeys(): TokenKeys | undefined {
    return this.#state.tokenKeys;
  }

  /** Keeps them: resolves once that is done, or has failed and was logged. */
  setTokenKeys(tokenKeys: TokenKeys): Promise<void> {
    this.#state = { ...this.#state, tokenKeys };
    this.#write();
    return this.#writing;
  }

  /** Keeps the cluster's identity: at once, for what comes next is judged by it. */
  setCluster({ caHashes, issuer }: ClusterIdentity): void {
    this.#state = { ...this.#state, cluster: { caHashes, ...(issuer === undefined ? {} : { issuer }) } };
    this.#write();
  }

  setBackends(backends: Readonly<Record<string, KnownBackend>>): void {
    this.#change({ backends });
  }

  setDiscovered(groupVersion: string, discovered: DiscoveredResources): void {
    const known = this.#state.discovery[groupVersion];
    if (known?.resources.join() === discovered.resources.join()) return;
    this.#change({ discovery: { ...this.#state.discovery, [groupVersion]: discovered } });
  }

  /** Writes what is pending. */
  async close(): Promise<void> {
    if (this.#timer !== undefined) this.#write();
    await this.#writing;
  }

  #change(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    this.#timer ??= this.#options.clock.setTimer(writeDelayMs, () => this.#write());
  }

  #write(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { logger, path } = this.#options;
    this.#writing = this.#file.write(this.#state).catch((error: unknown) => {
      logger.log("warn", "The state file cannot be written", { path, error: String(error) });
    });
  }
}
