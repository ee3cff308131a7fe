import { approveSigningRequests, signingRequestsPath } from "../controller/csr_approver.ts";
import { createClusterFacts } from "../controller/cluster_facts.ts";
import { leadWhileElected } from "../controller/leader_election.ts";
import { watchObjects } from "../controller/watch_objects.ts";
import { dummyIps } from "../identity/certificate_template.ts";
import { createJsonApi, type JsonServer } from "../identity/json_api.ts";
import { KubeconfigError, loadKubeconfig, type NodeIdentity } from "../identity/kubeconfig.ts";
import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import { hostAndPort } from "./address.ts";
import type { CommandContext } from "./command.ts";
import { openHubIdentity } from "./hub_identity.ts";
import { leaderSettings } from "./leader_flags.ts";
import { createProgramLog } from "./program_log.ts";
import { UsageError } from "./usage_error.ts";
import { version } from "./version.ts";

/** What was refused is judged again after it: the Node may be another one by then. */
const watchSeconds = 60;
const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Runs the chosen controllers until the process is told to stop. @throws where it cannot start */
export async function runController({ platform, values }: CommandContext): Promise<number> {
  const { clock, random, process: { stop: signal } } = platform;
  const { logger } = createProgramLog(platform, values);
  if (!isChosen("csrapproving", values.list("controllers"))) throw new UsageError("--controllers leaves none to run");
  const leader = leaderSettings(values, platform);
  const { origin, load } = await identityOf(platform, values.string("kubeconfig"));
  const identity = await openHubIdentity({ platform, load, origins: [origin], logger });
  try {
    const token = identity.authorization;
    const [server] = identity.backends;
    if (server === undefined) throw new UsageError("The identity names no API server");
    logger.log("info", "Controller runs", { controllers: "csrapproving", cloud: origin, version });
    const parts = { platform, logger, server, token };
    if (leader === undefined) await approve(parts, signal);
    else {
      const api = createJsonApi({ servers: [server], clock, token });
      await leadWhileElected({ ...leader, api, clock, random, logger, signal }, (leading) => approve(parts, leading));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await identity.close();
  }
  logger.log("info", "Controller has stopped");
  return 0;
}

interface ApproverParts {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly server: JsonServer;
  readonly token: () => string | undefined;
}

/** Rejects with the signal's reason. */
async function approve({ platform: { clock, random }, logger, server, token }: ApproverParts, signal: AbortSignal) {
  const api = createJsonApi({ servers: [server], clock, token });
  return await approveSigningRequests({
    api,
    facts: createClusterFacts({ api, dummyIps, signal }),
    requests: () => watchObjects({ api, server, token, clock, path: signingRequestsPath, watchSeconds, signal }),
    clock,
    random,
    logger,
    signal,
  });
}

function isChosen(name: string, chosen: readonly string[]): boolean {
  if (chosen.includes(`-${name}`)) return false;
  return chosen.includes("*") || chosen.includes(name);
}

interface ControllerIdentity {
  readonly origin: string;
  readonly load: () => Promise<NodeIdentity>;
}

async function identityOf(platform: Platform, kubeconfig: string): Promise<ControllerIdentity> {
  const { files } = platform;
  if (kubeconfig !== "") {
    const { server } = await loadKubeconfig({ files, path: kubeconfig });
    return { origin: new URL(server).origin, load: () => loadKubeconfig({ files, path: kubeconfig }) };
  }
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = platform.process.environment;
  if (host === undefined) throw new UsageError("--kubeconfig is required outside of a pod");
  const paths = [`${serviceAccountFolder}/token`, `${serviceAccountFolder}/ca.crt`] as const;
  const load = async (): Promise<NodeIdentity> => {
    const [token, ca] = await Promise.all(
      paths.map(async (path) => new TextDecoder().decode(await files.read(path)).trim()),
    );
    if (!token || !ca) throw new KubeconfigError(`Cannot read ${paths.join(" and ")}`);
    return { token, ca, files: paths };
  };
  return { origin: `https://${hostAndPort(host, Number(port))}`, load };
}
