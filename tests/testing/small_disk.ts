import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type ChildProgram, startCommand } from "./child_program.ts";
import type { ProgramCloud } from "./hub_program.ts";

/** Why a test that needs a disk of its own is skipped; false where it is not. */
export const noSmallDisk: string | false =
  spawnSync("unshare", ["-m", "true"]).status === 0 && spawnSync("nsenter", ["--version"]).status === 0
    ? false
    : "this user may mount nothing";

/** A disk of its own for a test, in a mount namespace that ends with the test. */
export interface SmallDisk {
  /** As the programs on it see it. */
  readonly folder: string;
  start(words: readonly [string, ...string[]]): ChildProgram;
  fill(): void;
  free(): void;
}

export async function withSmallDisk(
  cloud: Pick<ProgramCloud, "folder" | "programs">,
  run: (disk: SmallDisk) => Promise<void>,
): Promise<void> {
  const folder = join(cloud.folder, "disk");
  mkdirSync(folder);
  const script = 'mount -t tmpfs -o size=4m tmpfs "$0" && echo mounted && cat';
  const holder = startCommand(["unshare", "-m", "sh", "-c", script, folder]);
  await holder.waitFor("mounted");
  const pid = String(holder.child.pid);
  const outside = `/proc/${pid}/root${folder}`;
  try {
    await run({
      folder,
      start: (words) => {
        const program = startCommand(["nsenter", "-t", pid, "-m", ...words], { NODE_NAME: "node-1" });
        cloud.programs.push(program);
        return program;
      },
      fill: () => {
        const file = openSync(join(outside, "filler"), "a");
        assert.throws(() => {
          for (;;) writeSync(file, new Uint8Array(4096));
        }, /ENOSPC|No space/);
        closeSync(file);
      },
      free: () => rmSync(join(outside, "filler")),
    });
  } finally {
    holder.child.stdin?.end();
    await holder.ended;
  }
}

/** Looks every 50 ms for up to 20 s: a hub tries again every 5 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let look = 0; look < 400; look++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`It did not come about: ${condition.toString()}`);
}
