import { createHub, type Hub, type HubOptions } from "../hub/hub.ts";
import type { HubCertificates } from "../hub/hub_certificates.ts";
import type { HubState } from "../hub/hub_state.ts";
import type { Listener } from "../platform/listener.ts";
import type { Logger } from "../platform/logger.ts";
import { createMemoryStore } from "../store/memory_store.ts";
import { hostAndPort, serverOrigin } from "./address.ts";
import type { Command, CommandContext } from "./command.ts";
import { logLevelOf } from "./common_flags.ts";
import { createLevelLogger } from "./level_logger.ts";
import { type HubStart, runUntilReplaced, type Starting } from "./hub_life.ts";
import type { FlagValues } from "./flag_values.ts";
import { filtersOptions } from "./filter_flags.ts";
import { hubFlags } from "./hub_flags.ts";
import { certificatesOf, openCertificates, openIdentitySource } from "./hub_certificates.ts";
import { type HubIdentity, openHubIdentity } from "./hub_identity.ts";
import { warnOfIgnoredFlags } from "./ignored_flags.ts";
import { startOnStorage } from "./hub_storage.ts";
import { hubLinkOptions, openState, workingModeOf } from "./hub_link_options.ts";
import { SecureListener } from "./secure_listener.ts";
import { listenOn } from "./listen_on.ts";
import { UsageError } from "./usage_error.ts";
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

/** Runs a hub until the process is told to stop. @throws where it cannot start */
async function runHub(context: CommandContext): Promise<number> {
  const { platform, values } = context;
  const logger = createLevelLogger(platform, logLevelOf(values.integer("v")));
  await runUntilReplaced(context, { logger, stopGraceMs, start: startHub });
  logger.log("info", "Hub has stopped");
  return 0;
}

async function startHub({ platform, values, ports, reloading }: HubStart, starting: Starting): Promise<Hub> {
  const { logger, cleanup, tail } = starting;
  warnOfIgnoredFlags(values, logger);
  const origins = cloudOrigins(values);
  const source = await openIdentitySource({ platform, values, origins, logger });
  const identity = await openHubIdentity({ platform, load: source.load, origins, logger });
  tail.push(identity.close, () => ports.close(stopGraceMs));
  cleanup.push(() => source.close());
  const kept = await openCertificates({ platform, values, origins, logger, source, identity });
  const { serving } = kept;
  cleanup.push(() => serving.close());
  const certificates = certificatesOf(source, serving);
  const secure = new SecureListener({
    listen: platform.listen,
    hostname: values.string("bind-proxy-address"),
    port: values.integer("proxy-secure-port"),
    certificate: serving,
    clientCa: identity.ca,
    clock: platform.clock,
    random: platform.random,
    logger,
  });
  identity.onCa(() => secure.refresh());
  const reload = reloading(() => identity.reload());
  const plainAllowUids = () => reload.plainAllowUids;
  const parts = { identity, logger, certificates, secureProblem: () => secure.problem, plainAllowUids };
  const hub = workingModeOf(values) === "cloud"
    ? await createHub({ ...hubOptions({ platform, values }, parts), store: createMemoryStore() })
    : await startOnDisk({ platform, values }, { ...parts, ...starting });
  const listeners: Listener[] = [];
  cleanup.push(() => hub.close(), () => secure.close(stopGraceMs));
  await listen({ platform, values, hub, listeners });
  await secure.start(hub.handleSecure);
  kept.start();
  const [proxy, status] = listeners.map((listener) => `http://${hostAndPort(listener.hostname, listener.port)}`);
  logger.log("info", "Hub listens", { node: values.string("node-name"), cloud: origins, proxy, status, version });
  return hub;
}

interface HubParts {
  readonly identity: HubIdentity;
  readonly logger: Logger;
  readonly certificates: HubCertificates;
  /** Why the TLS port is not open; nothing where it is. */
  readonly secureProblem: () => string | undefined;
  readonly plainAllowUids: () => readonly number[];
  readonly state?: HubState;
}

type Context = Pick<CommandContext, "platform" | "values">;

/** Starts a hub that keeps its replica and its small state on disk. */
async function startOnDisk({ platform, values }: Context, starting: HubParts & Starting): Promise<Hub> {
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
  { identity, logger, certificates, secureProblem, plainAllowUids, state }: HubParts,
): Omit<HubOptions, "store" | "outboxStore"> {
  return {
    platform,
    nodeName: values.string("node-name"),
    ...hubLinkOptions({ values, identity, state }),
    ...(state === undefined ? {} : { state }),
    logger,
    certificates,
    secureProblem,
    metrics: platform.createMetrics(),
    cloudReadTimeoutMs: values.durationMs("cloud-read-timeout"),
    minRequestTimeoutMs: values.durationMs("min-request-timeout"),
    cacheMaxBytes: values.bytes("cache-max-bytes"),
    cacheMemoryMaxBytes: values.bytes("cache-memory-max-bytes"),
    filters: filtersOptions(values),
    outboxMaxBytes: values.bytes("outbox-max-bytes"),
    offlineTokenGraceMs: values.durationMs("offline-token-grace"),
    collectionIdleMs: values.durationMs("collection-idle"),
    plainAllowUids,
    version,
  };
}

interface Listening extends Context {
  readonly hub: Hub;
  /** The proxy's, then the status server's. */
  readonly listeners: Listener[];
}

async function listen({ platform, values, hub, listeners }: Listening): Promise<void> {
  listeners.push(
    await listenOn({
      listen: platform.listen,
      hostname: values.string("bind-proxy-address"),
      port: values.integer("proxy-port"),
      handle: hub.handle,
      addressFlag: "bind-proxy-address",
      portFlag: "proxy-port",
    }),
  );
  listeners.push(
    await listenOn({
      listen: platform.listen,
      hostname: values.string("bind-address"),
      port: values.integer("serve-port"),
      handle: hub.handleStatus,
      addressFlag: "bind-address",
      portFlag: "serve-port",
    }),
  );
}

/** Those of `--server-addr`, each once, in their order. */
function cloudOrigins(values: FlagValues): readonly string[] {
  const origins = values.list("server-addr").map((address) => {
    const result = serverOrigin(address);
    if ("problem" in result) throw new UsageError(`Invalid value "${address}" of --server-addr: it ${result.problem}`);
    return result.origin;
  });
  return [...new Set(origins)];
}
