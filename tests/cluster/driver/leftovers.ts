import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { sleep } from "./wait.ts";

/** A process of this machine. */
export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/**
 * The processes that belong to a folder: it is named in their command line or their environment, or they work below it. So
 * containers are found too whose runtime was killed.
 */
export function processesOf(folder: string): Leftover[] {
  const found: Leftover[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const command = readProc(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    if (command === "") continue;
    const traces = [command, readProc(`/proc/${pid}/environ`), workingFolder(pid)];
    if (traces.some((trace) => trace.includes(folder))) found.push({ pid, command });
  }
  return found;
}

/** Ends all processes of the folder but the callers' own. @returns those that there were */
export async function endProcessesOf(folder: string): Promise<Leftover[]> {
  const found = processesOf(folder);
  for (let round = 0; round < 20; round++) {
    const alive = round === 0 ? found : processesOf(folder);
    if (alive.length === 0) break;
    for (const { pid } of alive) signal(pid, "SIGKILL");
    await sleep(50);
  }
  return found;
}

/** Whether there is such a process (and it is no zombie). */
export function isAlive(pid: number): boolean {
  const state = readProc(`/proc/${pid}/stat`).split(") ")[1]?.[0];
  return state !== undefined && state !== "Z" && state !== "X";
}

function signal(pid: number, name: "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (isAlive(pid)) throw error;
  }
}

/** Empty where the process is gone or somebody else's. */
function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}
