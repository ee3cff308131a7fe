import type { Platform } from "../../platform/platform.ts";
import { hostAndPort } from "../address.ts";
import type { FlagValues } from "../flag_values.ts";
import type { DoctorContext } from "./doctor_context.ts";
import { type Check, failed, type Finding, ok } from "./finding.ts";
import { reasonOf } from "./reason.ts";
import { askStatusServer, isPlainProxy, type LocalPort, type StatusServer } from "./running_hub.ts";

interface HubPort extends LocalPort {
  readonly addressFlag: string;
  readonly portFlag: string;
}

/** Whether the hub's ports are free, or held by the hub itself. */
export const portsCheck: Check = {
  name: "ports",
  run: async (context, signal) => {
    const { proxy, status, secure } = portsOf(context.values);
    const free = await freeFindings(context.platform, [proxy, status, secure]);
    const [proxyFree, statusFree, secureFree] = free;
    const holder = statusFree === undefined
      ? await askStatusServer(context.platform, status, signal)
      : { program: "other" } as const;
    return [
      proxyFree ?? await proxyFinding(proxy, { context, holder, signal }),
      statusFree ?? statusFinding(status, { context, holder }),
      secureFree ?? secureFinding(secure, { context, holder }),
    ];
  },
};

function portsOf(values: FlagValues): { readonly proxy: HubPort; readonly status: HubPort; readonly secure: HubPort } {
  const port = (addressFlag: string, portFlag: string): HubPort => ({
    hostname: values.string(addressFlag),
    port: values.integer(portFlag),
    addressFlag,
    portFlag,
  });
  return {
    proxy: port("bind-proxy-address", "proxy-port"),
    status: port("bind-address", "serve-port"),
    secure: port("bind-proxy-address", "proxy-secure-port"),
  };
}

/** One for each port; nothing where somebody has it. */
function freeFindings(platform: Platform, ports: readonly HubPort[]): Promise<readonly (Finding | undefined)[]> {
  return Promise.all(ports.map((port) => freeFinding(platform, port)));
}

/** Listens for a moment: what the hub would meet is then known, whatever it is. */
async function freeFinding({ listen }: Platform, port: HubPort): Promise<Finding | undefined> {
  const address = hostAndPort(port.hostname, port.port);
  if (port.port === 0) return ok(`any free port will be taken for --${port.portFlag}`);
  try {
    const listener = await listen(
      { hostname: port.hostname, port: port.port },
      () => new Response("holdfast doctor looks whether this port is free\n", { status: 503 }),
    );
    await listener.close(0);
    return ok(`${address} is free`);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") return undefined;
    if (code === "EADDRNOTAVAIL") {
      return failed(
        `this machine does not have the address of ${address}`,
        `choose another with --${port.addressFlag}`,
      );
    }
    return failed(`${address} cannot be listened at: ${reasonOf(error)}`, `choose another with --${port.portFlag}`);
  }
}

interface Holding {
  readonly context: DoctorContext;
  /** Who has the port of the status server. */
  readonly holder: StatusServer;
}

async function proxyFinding(
  port: HubPort,
  { context, holder, signal }: Holding & { readonly signal: AbortSignal },
): Promise<Finding> {
  if (holder.program !== "holdfast" || !await isPlainProxy(context.platform, port, signal)) {
    return heldByAnother(port, holder);
  }
  return ok(`${hostAndPort(port.hostname, port.port)} is held by the hub that runs`);
}

function statusFinding(port: HubPort, { context, holder }: Holding): Finding {
  if (holder.program !== "holdfast") return heldByAnother(port, holder);
  const address = hostAndPort(port.hostname, port.port);
  const nodeName = context.values.string("node-name");
  if (holder.nodeName === nodeName) return ok(`${address} is held by the hub that runs (holdfast ${holder.version})`);
  return failed(
    `${address} is held by a hub of the node ${holder.nodeName}, and --node-name is ${nodeName}`,
    "correct --node-name, or give the second hub other ports",
  );
}

function secureFinding(port: HubPort, { holder }: Holding): Finding {
  if (holder.program !== "holdfast" || !holder.secureOpen) return heldByAnother(port, holder);
  return ok(`${hostAndPort(port.hostname, port.port)} is held by the hub that runs`);
}

function heldByAnother({ hostname, port, portFlag }: HubPort, { program }: StatusServer): Finding {
  const address = hostAndPort(hostname, port);
  if (program === "yurthub") {
    return failed(
      `${address} is held by another program; a YurtHub runs here`,
      "stop YurtHub first: take its manifest out of /etc/kubernetes/manifests, or its systemd unit away",
    );
  }
  return failed(
    `${address} is held by another program`,
    `ss -ltnp "sport = :${port}" names it; end it, or choose another port with --${portFlag}`,
  );
}
