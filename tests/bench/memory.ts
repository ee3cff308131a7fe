import { readFileSync, writeFileSync } from "node:fs";

/** Resident memory of a process, in bytes (Linux). */
export function residentBytes(pid: number): number {
  return statusBytes(pid, "VmRSS");
}

/** The most that was resident since `forgetPeak`, in bytes (Linux). */
export function peakBytes(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

/** From now on `peakBytes` counts (proc_pid_clear_refs(5)). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function statusBytes(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1];
  if (kib === undefined) throw new Error(`Cannot read ${name} of process ${pid}`);
  return Number(kib) * 1024;
}
