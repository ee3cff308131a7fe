import { approveSigningRequests, signingRequestsPath } from "../controller/csr_approver.ts";
import { createClusterFacts } from "../controller/cluster_facts.ts";
import { watchObjects } from "../controller/watch_objects.ts";
import { createJsonApi } from "../identity/json_api.ts";
import { KubeconfigError, loadKubeconfig, type NodeIdentity } from "../identity/kubeconfig.ts";
import type { Platform } from "../platform/platform.ts";
import type { Command, CommandContext } from "./command.ts";
import { commonFlags, logLevelOf } from "./common_flags.ts";
import { hostAndPort } from "./address.ts";
import { openHubIdentity } from "./hub_identity.ts";
import { UsageError } from "./usage_error.ts";
import { version } from "./version.ts";

/** What it is made of, each by its name in `--controllers`. */
const controllers: readonly string[] = ["csrapproving"];
/** Of the dummy interfaces of nodes, by default. */
const dummyIps: readonly string[] = ["169.254.2.1", "fd00::2:1"];
/** What was refused is judged again after it: the Node may be another one by then. */
const watchSeconds = 60;
const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** `holdfast controller`. */
export const controllerCommand: Command = {
  name: "controller",
  summary: "Runs in the cloud: approves the certificates of nodes and of their hubs",
  flags: [
    {
      name: "controllers",
      type: "list",
      default: "*",
      placeholder: "NAME",
      help: `which of them run: * all, NAME this one, -NAME not this one; there are: ${controllers.join(", ")}`,
      group: "Controller",
      check: (text) =>
        text === "*" || controllers.includes(text.replace(/^-/, ""))
          ? undefined
          : `must be of ${controllers.join(", ")}`,
    },
    {
      name: "kubeconfig",
      type: "string",
      default: "",
      defaultHelp: "the pod's service account",
      placeholder: "FILE",
      help: "identity towards the API server",
      group: "Controller",
    },
    ...commonFlags,
  ],
  run: runController,
};

/** Runs until the process is told to stop. @throws where it cannot start */
async function runController({ platform, values }: CommandContext): Promise<number> {
  const { clock, process: { stop: signal } } = platform;
  const logger = platform.createLogger({ level: logLevelOf(values.integer("v")), format: "text" });
  if (!isChosen("csrapproving", values.list("controllers"))) throw new UsageError("--controllers leaves none to run");
  const { origin, load } = await identityOf(platform, values.string("kubeconfig"));
  const identity = await openHubIdentity({ platform, load, origins: [origin], logger });
  try {
    const token = identity.authorization;
    const [server] = identity.backends;
    if (server === undefined) throw new UsageError("The identity names no API server");
    const api = createJsonApi({ servers: [server], clock, token });
    logger.log("info", "Controller runs", { controllers: "csrapproving", cloud: origin, version });
    await approveSigningRequests({
      api,
      facts: createClusterFacts({ api, dummyIps, signal }),
      requests: () => watchObjects({ api, server, token, clock, path: signingRequestsPath, watchSeconds, signal }),
      clock,
      logger,
      signal,
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await identity.close();
  }
  logger.log("info", "Controller has stopped");
  return 0;
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
