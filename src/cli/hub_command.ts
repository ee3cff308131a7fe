import { createHub, type Hub, type HubOptions } from "../hub/hub.ts";
import type { HubCertificates } from "../hub/hub_certificates.ts";
import type { HubState } from "../hub/hub_state.ts";
import type { Metrics } from "../platform/metrics.ts";
import { createMemoryStore } from "../store/memory_store.ts";
import { hostAndPort } from "./address.ts";
import { cloudOrigins } from "./cloud_origins.ts";
import type { Command, CommandContext } from "./command.ts";
import { type HubStart, runUntilReplaced, type Starting } from "./hub_life.ts";
import { filtersOptions } from "./filter_flags.ts";
import { hubFlags } from "./hub_flags.ts";
import { listen } from "./hub_listeners.ts";
import { certificatesOf, openCertificates, openIdentitySource } from "./hub_certificates.ts";
import { type HubIdentity, openHubIdentity } from "./hub_identity.ts";
import { warnOfIgnoredFlags } from "./ignored_flags.ts";
import { startOnStorage } from "./hub_storage.ts";
import { hubLinkOptions, openState, workingModeOf } from "./hub_link_options.ts";
import { declareListenerMetrics } from "./listener_metrics.ts";
import { createProgramLog, type ProgramLog } from "./program_log.ts";
import { SecurePorts } from "./secure_ports.ts";
import { version } from "./version.ts";

/** Time that answers under way have to end when the hub stops. */
const stopGraceMs = 5000;

/** `holdfast hub`. */
export const hubCommand: Command = {
  name: "hub",
  summary: "Runs the hub of this node: a local read replica of the Kubernetes API, and a proxy for everything else",
  flags: hubFlags,
  run: runHub,
};

/** Runs a hub until the process is told to stop, or another process has taken over. @throws where it cannot start */
async function runHub(context: CommandContext): Promise<number> {
  const log = createProgramLog(context.platform, context.values);
  await runUntilReplaced(context, { log, stopGraceMs, start: startHub });
  log.logger.log("info", "Hub has stopped");
  return 0;
}

async function startHub({ platform, values, ports, reload }: HubStart, starting: Starting): Promise<Hub> {
  const { logger, setVerbosity, cleanup, tail, leaving } = starting;
  warnOfIgnoredFlags(values, logger);
  const origins = cloudOrigins(values);
  const source = await openIdentitySource({ platform, values, origins, logger });
  const identity = await openHubIdentity({ platform, load: source.load, origins, logger });
  tail.push(identity.close, () => ports.close(stopGraceMs));
  reload.reads(identity);
  cleanup.push(() => source.close());
  const kept = await openCertificates({ platform, values, origins, logger, source, identity });
  const { serving } = kept;
  cleanup.push(() => serving.close());
  const certificates = certificatesOf(source, serving);
  const secure = await SecurePorts.open({ platform, values, logger, serving, clientCa: identity.ca });
  cleanup.push(async () => await secure.network?.rest());
  identity.onCa(() => secure.refresh());
  const metrics = platform.createMetrics();
  const plainAllowUids = () => reload.plainAllowUids;
  const parts = { identity, logger, setVerbosity, certificates, metrics, secure, plainAllowUids };
  const hub = workingModeOf(values) === "cloud"
    ? await createHub({ ...hubOptions({ platform, values }, parts), store: createMemoryStore() })
    : await startOnDisk({ platform, values }, { ...parts, cleanup });
  cleanup.push(() => hub.close(), () => secure.close(stopGraceMs));
  // First, for kubelet's first list of Services tells its pods where the API server is.
  await secure.start(hub.handleSecure);
  const { plain, status } = await listen({ platform, values, hub });
  // Not before: who does not get stores and ports shares the network with the hub that has them.
  leaving.push(async () => await secure.network?.close());
  kept.start();
  declareListenerMetrics(metrics, { plain, secure, status });
  const [proxy, state] = [plain, status].map(({ hostname, port }) => `http://${hostAndPort(hostname, port)}`);
  logger.log("info", "Hub listens", {
    node: values.string("node-name"),
    cloud: origins,
    proxy,
    status: state,
    version,
  });
  return hub;
}

interface HubParts extends ProgramLog {
  readonly identity: HubIdentity;
  readonly certificates: HubCertificates;
  readonly metrics: Metrics;
  readonly secure: SecurePorts;
  readonly plainAllowUids: () => readonly number[];
  readonly state?: HubState;
}

type Context = Pick<CommandContext, "platform" | "values">;

/** Starts a hub that keeps its replica and its small state on disk. */
async function startOnDisk(
  { platform, values }: Context,
  starting: HubParts & Pick<Starting, "cleanup">,
): Promise<Hub> {
  const { logger, cleanup } = starting;
  const rootDir = values.string("root-dir");
  const state = await openState(platform, { rootDir, logger });
  cleanup.push(() => state.close());
  const options = hubOptions({ platform, values }, { ...starting, state });
  const { store, outboxStore, started } = await startOnStorage({
    platform,
    rootDir,
    diskCachePath: values.string("disk-cache-path"),
    storageKeyFile: values.string("storage-key-file"),
    logger,
  }, (stores) => createHub({ ...options, ...stores }));
  cleanup.push(() => store.close(), () => outboxStore.close());
  return started;
}

function hubOptions(
  { platform, values }: Context,
  { identity, logger, setVerbosity, certificates, metrics, secure, plainAllowUids, state }: HubParts,
): Omit<HubOptions, "store" | "outboxStore"> {
  return {
    platform,
    nodeName: values.string("node-name"),
    ...hubLinkOptions({ values, identity, state }),
    ...(state === undefined ? {} : { state }),
    logger,
    ...(values.boolean("profiling") ? { debug: { setVerbosity } } : {}),
    certificates,
    secureProblem: () => secure.problem,
    networkChecks: () => secure.network?.checks() ?? [],
    metrics,
    cloudReadTimeoutMs: values.durationMs("cloud-read-timeout"),
    minRequestTimeoutMs: values.durationMs("min-request-timeout"),
    maxRequestsInFlight: values.integer("max-requests-in-flight"),
    maxWatches: values.integer("max-watches"),
    cacheMaxBytes: values.bytes("cache-max-bytes"),
    cacheMemoryMaxBytes: values.bytes("cache-memory-max-bytes"),
    filters: { ...filtersOptions(values), address: secure.address },
    outboxMaxBytes: values.bytes("outbox-max-bytes"),
    offlineTokenGraceMs: values.durationMs("offline-token-grace"),
    collectionIdleMs: values.durationMs("collection-idle"),
    gcFrequencyMs: values.durationMs("gc-frequency") || 60 * 60_000,
    plainAllowUids,
    version,
  };
}
