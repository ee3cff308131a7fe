import { dummyInterfaceOf } from "../network_flags.ts";
import { KubeconfigError, loadKubeconfig } from "../../identity/kubeconfig.ts";
import type { Platform } from "../../platform/platform.ts";
import { isLoopbackAddress } from "../address.ts";
import type { FlagValues } from "../flag_values.ts";
import { type Check, failed, type Finding, ok, skipped, warning } from "./finding.ts";

/** kubeadm's. */
const defaultPath = "/etc/kubernetes/kubelet.conf";

/** Whether kubelet asks the hub. */
export const kubeletCheck: Check = {
  name: "kubelet",
  run: async ({ platform, values }) => {
    const given = values.string("kubelet-kubeconfig");
    if (given !== "") return [await pointsAtHub(platform, values, { path: given, runs: true })];
    const running = await runningKubeconfig(platform);
    const used = { path: running ?? defaultPath, runs: running !== undefined };
    return [await pointsAtHub(platform, values, used)];
  },
};

interface Used {
  readonly path: string;
  /** Whether it is known that kubelet uses it. */
  readonly runs: boolean;
}

async function pointsAtHub(platform: Platform, values: FlagValues, { path, runs }: Used): Promise<Finding> {
  let server: URL;
  try {
    server = new URL((await loadKubeconfig({ files: platform.files, path })).server);
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error;
    if (await platform.disk.stat(path) === undefined) return absentFinding(path, runs);
    return failed(error.message, "mend the file, or name kubelet's own with --kubelet-kubeconfig");
  }
  const { origin } = server;
  const hub = `http://${values.string("bind-proxy-address")}:${values.integer("proxy-port")}`;
  if (isHub(server, values)) return ok(`${path} points at the hub (${origin})`);
  const advice = `in kubelet's kubeconfig set server: ${hub} and leave the user empty, then restart kubelet`;
  if (!runs) {
    return warning(
      `kubelet does not run, and ${path} points past the hub at ${origin}`,
      `${advice}; --kubelet-kubeconfig names another one that it is started with`,
    );
  }
  if (isLoopbackAddress(hostOf(server)) || hostOf(server) === "localhost") {
    return failed(`${path} points at ${origin}, and the hub's port is ${values.integer("proxy-port")}`, advice);
  }
  return failed(`${path} points past the hub at ${origin}: kubelet has nothing when the link is cut`, advice);
}

function absentFinding(path: string, runs: boolean): Finding {
  if (!runs) return skipped(`kubelet does not run, and there is no ${path}; --kubelet-kubeconfig names its kubeconfig`);
  return warning(
    `kubelet's kubeconfig ${path} does not exist`,
    "name the one that kubelet is started with, or make it",
  );
}

function isHub(server: URL, values: FlagValues): boolean {
  const host = hostOf(server);
  const isLocal = host === "localhost" || host === values.string("bind-proxy-address");
  const isSecure = server.protocol === "https:";
  const port = values.integer(isSecure ? "proxy-secure-port" : "proxy-port");
  return Number(server.port) === port && (isLocal || (isSecure && host === dummyInterfaceOf(values).ip));
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** What the kubelet that runs was started with; nothing where none runs, or it was not told on its command line. */
async function runningKubeconfig({ disk, files }: Platform): Promise<string | undefined> {
  for (const pid of await disk.list("/proc") ?? []) {
    if (!/^\d+$/.test(pid)) continue;
    // A process may end meanwhile.
    const line = await files.read(`/proc/${pid}/cmdline`).catch(() => undefined);
    const [program = "", ...args] = new TextDecoder().decode(line).split("\0");
    if (program.split("/").at(-1) !== "kubelet") continue;
    const at = args.findIndex((arg) => /^--?kubeconfig(=|$)/.test(arg));
    const word = args[at] ?? "";
    const path = word.includes("=") ? word.slice(word.indexOf("=") + 1) : args[at + 1];
    if (at !== -1 && path !== undefined && path.startsWith("/")) return path;
  }
  return undefined;
}
