import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The environment a process was started with. */
export function environmentOf(pid: number): Readonly<Record<string, string>> {
  const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter((entry) => entry.includes("="));
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

/** The local ports of a process's established TCP connections to a port of 127.0.0.1. */
export function connectionsTo(pid: number, port: number): Set<number> {
  const own = socketInodes(pid);
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const ports = new Set<number>();
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, "utf8").split("\n").slice(1)) {
    const [, local = "", peer, state, , , , , , inode = ""] = line.trim().split(/\s+/);
    if (peer === remote && state === "01" && own.has(inode)) ports.add(parseInt(local.split(":")[1] ?? "", 16));
  }
  return ports;
}

function socketInodes(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    const target = linkOf(`/proc/${pid}/fd/${descriptor}`);
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
}

/** Empty where the descriptor was closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
