import { FileError } from "../../platform/files.ts";
import type { Platform } from "../../platform/platform.ts";
import { placeOf } from "../cache_store.ts";
import { rootDirOf } from "../hub_certificates.ts";
import { outboxPath, storePath } from "../hub_storage.ts";
import type { DoctorContext } from "./doctor_context.ts";
import { type Check, failed, type Finding, ok, warning } from "./finding.ts";

/** Whether what the hub keeps finds room, and how long a durable write takes. */
export const diskCheck: Check = {
  name: "disk",
  run: async (context) => {
    const { platform, values } = context;
    const place = placeOf(context);
    const missing = async (path: string, flag: string): Promise<number> =>
      Math.max(0, values.bytes(flag) - ((await platform.disk.stat(path))?.bytes ?? 0));
    const cacheBytes = await missing(storePath(place), "cache-max-bytes");
    const outboxBytes = await missing(outboxPath(place), "outbox-max-bytes");
    const cacheFolder = values.string("disk-cache-path").replace(/\/+$/, "");
    const rootDir = rootDirOf(values);
    if (cacheFolder === "") return [await folderFinding(context, rootDir, cacheBytes + outboxBytes)];
    return [
      await folderFinding(context, rootDir, outboxBytes),
      await folderFinding(context, cacheFolder, cacheBytes),
    ];
  },
};

const mebibyte = 1024 * 1024;
/** Below it the next write or two fail. */
const leastBytes = 16 * mebibyte;
/** An acknowledged write, a kept token and a grant wait for the disk. */
const slowMs = 200;
const writes = 5;
const writtenBytes = 4096;

async function folderFinding({ platform }: DoctorContext, wanted: string, needed: number): Promise<Finding> {
  const folder = await nearestFolder(platform, wanted);
  const where = folder === wanted ? folder : `${wanted} (to be made in ${folder})`;
  let medianMs: number;
  try {
    medianMs = await timeWrites(platform, folder);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return unwritable(where, error);
  }
  const free = await platform.disk.freeBytes(folder);
  const room = `${Math.floor(free / mebibyte)} MiB are free`;
  if (free < leastBytes) {
    return failed(
      `${where} is as good as full: ${room}`,
      "make room: the hub keeps nothing new, and takes no writes offline",
    );
  }
  const pace = `a durable write takes ${medianMs < 10 ? medianMs.toFixed(1) : Math.round(medianMs)} ms`;
  if (free < needed) {
    return warning(
      `${where}: ${room}, and what the hub keeps may grow by ${Math.ceil(needed / mebibyte)} MiB; ${pace}`,
      "make room, or lower --cache-max-bytes and --outbox-max-bytes",
    );
  }
  if (medianMs > slowMs) {
    return warning(
      `${where} is slow: ${pace}; ${room}`,
      "see what else writes to that disk, and its health: whatever must survive power loss waits for it",
    );
  }
  return ok(`${where}: ${room}, ${pace}`);
}

function unwritable(where: string, { code }: FileError): Finding {
  const whys: Readonly<Record<string, readonly [what: string, advice: string]>> = {
    ENOSPC: ["is full", "make room: the hub keeps nothing new, and takes no writes offline"],
    EDQUOT: ["is full for this user", "raise the user's quota, or make room"],
    EROFS: [
      "is read-only",
      "see dmesg for errors of the disk, then mount it for writing; else give another --root-dir",
    ],
    EACCES: ["may not be written by this user", "run the doctor as the hub's user, or see the folder's owner and mode"],
    EPERM: ["may not be written by this user", "run the doctor as the hub's user, or see the folder's attributes"],
    EIO: ["cannot be written: the disk is damaged", "see dmesg, and replace the disk"],
  };
  const [what, advice] = whys[code] ?? [`cannot be written (${code})`, "see the disk and its mount"];
  return failed(`${where} ${what}`, advice);
}

/** A folder that is not there yet is made in the first that is. */
async function nearestFolder({ disk }: Platform, wanted: string): Promise<string> {
  let folder = wanted;
  while (folder !== "" && (await disk.stat(folder)) === undefined) folder = folder.slice(0, folder.lastIndexOf("/"));
  return folder === "" ? "/" : folder;
}

/** In a file of its own, which is removed. @returns the median in milliseconds. @throws FileError */
async function timeWrites({ files, clock, random }: Platform, folder: string): Promise<number> {
  const mark = Array.from(random.bytes(6), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const path = `${folder === "/" ? "" : folder}/.holdfast-doctor-${mark}`;
  const took: number[] = [];
  try {
    for (let write = 0; write < writes; write++) {
      const began = clock.monotonic();
      await files.writeAtomic(path, new Uint8Array(writtenBytes), { mode: 0o600 });
      took.push(clock.monotonic() - began);
    }
  } finally {
    await files.remove(path);
  }
  return took.toSorted((a, b) => a - b)[Math.floor(writes / 2)] ?? 0;
}
