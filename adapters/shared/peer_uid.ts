import { readFile } from "node:fs/promises";

/** Both ends of a connection, as seen from here. */
export interface ConnectionAddresses {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"] as const;
/** TCP_ESTABLISHED (include/net/tcp_states.h). In other states the kernel may have let go of the owner and says 0. */
const ESTABLISHED = "01";

/**
 * Finds the user id of the process at the other end of a connection within this machine (Linux): the kernel's row whose
 * local end is the connection's remote one. `gone` where there is no such row: whoever sent something has closed, or half
 * closed, since. Undefined where there is no such table.
 */
export async function readPeerUid(addresses: ConnectionAddresses): Promise<number | "gone" | undefined> {
  let told = false;
  for (const path of TABLES) {
    const table = await readTable(path);
    const uid = findUid(table, addresses);
    if (uid !== undefined) return uid;
    told ||= table !== "";
  }
  return told ? "gone" : undefined;
}

async function readTable(path: string): Promise<string> {
  try {
    return await readFile(path, "latin1");
  } catch {
    // Not Linux, or no IPv6: then nothing can be told.
    return "";
  }
}

/** Reads a table in the form of /proc/net/tcp (proc_net_tcp in the kernel's documentation). */
export function findUid(table: string, addresses: ConnectionAddresses): number | undefined {
  const locals = tableAddresses(addresses.remoteAddress, addresses.remotePort);
  const remotes = tableAddresses(addresses.localAddress, addresses.localPort);
  for (const local of locals) {
    for (const remote of remotes) {
      // Taking every row apart costs milliseconds where there are thousands.
      const at = table.indexOf(` ${local} ${remote} ${ESTABLISHED} `);
      if (at >= 0) return uidOf(table, at + 1);
    }
  }
  return undefined;
}

/** Of the row whose local address stands at `start`. */
function uidOf(table: string, start: number): number | undefined {
  const end = table.indexOf("\n", start);
  const [, , , , , , uid] = table.slice(start, end < 0 ? table.length : end).split(/\s+/);
  const value = Number(uid);
  return uid !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

/** The kernel prints an address as native-endian words of 32 bits; an IPv4 one also in its IPv6-mapped form. */
function tableAddresses(address: string, port: number): readonly string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (plain.includes(":")) return [words(ipv6Bytes(plain)) + suffix];
  const bytes = plain.split(".").map(Number);
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes];
  return [words(bytes) + suffix, words(mapped) + suffix];
}

function ipv6Bytes(address: string): readonly number[] {
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** Little-endian, as on every platform that Node, Bun and Deno are built for. */
function words(bytes: readonly number[]): string {
  let text = "";
  for (let index = 0; index < bytes.length; index += 4) {
    text += bytes.slice(index, index + 4).reverse().map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  return text.toUpperCase();
}
