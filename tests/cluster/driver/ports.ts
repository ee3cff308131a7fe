import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const LOWEST_PORT = 20_000;
const handedOut = new Set<number>();

/**
 * Free ports on 127.0.0.1, below the range that the kernel gives to clients, so that a server that is started again finds
 * its port free. No port is handed out twice by one process.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = LOWEST_PORT + Math.floor(Math.random() * (lowestClientPort() - LOWEST_PORT));
    if (handedOut.has(port) || !(await isFree(port))) continue;
    handedOut.add(port);
    ports.push(port);
  }
  return ports;
}

/** The first of `count` free ports in a row. */
export async function freePortRow(count: number): Promise<number> {
  for (;;) {
    const [first = 0] = await freePorts(1);
    const row = Array.from({ length: count }, (_, i) => first + i);
    const free = await Promise.all(row.slice(1).map(async (port) => !handedOut.has(port) && await isFree(port)));
    if (!free.every(Boolean)) continue;
    for (const port of row) handedOut.add(port);
    return first;
  }
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("Cannot find a free port");
  return port;
}

function lowestClientPort(): number {
  const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/);
  const lowest = Number(range[0]);
  return lowest > LOWEST_PORT + 1000 ? lowest : 32_768;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
