import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./driver/child.ts";
import type { Runtime } from "./driver/hub.ts";
import { buildKube } from "./driver/kube_program.ts";
import { endProcessesOf } from "./driver/leftovers.ts";
import { within } from "./driver/wait.ts";

const FILE_LIMIT_MS = 8 * 60_000;
/** The longest one is a cut of 3 minutes. */
const TEST_LIMIT_MS = 240_000;
/** Files at once; each has a cluster of its own, which waits more than it works. */
const LANES = 2;
/** Of a file, in the name of its folder: sockets lie below it, whose paths must be short. */
const NAME_CHARACTERS = 8;
/** Of what a test has said before it failed. */
const SAID_LINES = 60;

export interface RunOptions {
  /** Everything on all three runtimes, and what takes time as long as it should (`HOLDFAST_ALL` in the environment of a test). */
  readonly all: boolean;
  /** Names of files here; empty for all. */
  readonly files: readonly string[];
}

interface Job {
  readonly all: boolean;
  readonly file: string;
  readonly runtime: Runtime;
  readonly folder: string;
}

interface Tally {
  passed: number;
  failed: number;
}

/**
 * Runs the test files of this folder, two at a time, always on Bun; the hub runs on the job's runtime. Files that end in
 * `_smoke_test.ts` run on all three, the others on Bun only unless all is asked for. Prints a line per test and a last one with
 * the sums.
 *
 * @returns the exit code
 */
export async function runTests(options: RunOptions): Promise<number> {
  await buildKube();
  const began = performance.now();
  const run = mkdtempSync(join(tmpdir(), "holdfast-run-"));
  const tally: Tally = { passed: 0, failed: 0 };
  const interrupted = onInterrupt(run);
  const waiting = jobs(options);
  let begun = 0;
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const folder = join(run, `${job.file.slice(0, NAME_CHARACTERS)}-${begun++}`);
      mkdirSync(folder, { mode: 0o700 });
      await runFile({ ...job, all: options.all, folder }, tally);
    }
  }));
  interrupted.disarm();
  if (tally.failed === 0) rmSync(run, { recursive: true, force: true });
  else console.log(`kept: ${run}`);
  console.log(`${tally.passed} passed, ${tally.failed} failed (${Math.round((performance.now() - began) / 1000)} s)`);
  return tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

function jobs({ all, files }: RunOptions): { file: string; runtime: Runtime }[] {
  const known = readdirSync(import.meta.dirname).filter((name) => name.endsWith("_test.ts")).sort();
  for (const file of files) {
    if (!known.includes(file)) throw new Error(`No such test file: ${file}; there are: ${known.join(", ")}`);
  }
  const chosen = files.length > 0 ? known.filter((name) => files.includes(name)) : known;
  const runtimes: readonly Runtime[] = ["bun", "node", "deno"];
  return runtimes.flatMap((runtime) =>
    chosen.filter((file) => runtime === "bun" || (usesHub(file) && (all || file.endsWith("_smoke_test.ts"))))
      .map((file) => ({ file, runtime }))
  );
}

/** A file that starts no hub says the same on every runtime. */
function usesHub(file: string): boolean {
  return !file.startsWith("relay_");
}

async function runFile({ all, file, runtime, folder }: Job, tally: Tally): Promise<void> {
  const began = performance.now();
  const output = join(folder, "test.log");
  const child = new Child({
    name: file,
    program: process.execPath,
    args: ["test", `--timeout=${TEST_LIMIT_MS}`, `./${file}`],
    cwd: import.meta.dirname,
    logFile: output,
    env: {
      HOLDFAST_RUNTIME: runtime,
      HOLDFAST_CLUSTER_DIR: folder,
      HOLDFAST_SEED: process.env["HOLDFAST_SEED"] ?? "",
      HOLDFAST_ALL: all ? "1" : "",
      NO_COLOR: "1",
    },
  });
  const lines = followResults(child, (line, { passed, said }) => {
    tally[passed ? "passed" : "failed"]++;
    if (!passed) console.log(said.slice(-SAID_LINES).join("\n"));
    console.log(`${passed ? "ok  " : "FAIL"} ${runtime}: ${line}`);
  });
  const end = await within(child.ended, FILE_LIMIT_MS, `the end of ${file}`).catch(() => undefined);
  lines.finish();
  const left = await endProcessesOf(folder);
  const fault = end === undefined
    ? `took over ${FILE_LIMIT_MS / 1000} s`
    : left.length > 0
    ? `left processes behind: ${JSON.stringify(left)}`
    : end.code !== 0 && lines.failed === 0
    ? `ended with ${JSON.stringify(end)}`
    : undefined;
  if (fault !== undefined) {
    tally.failed++;
    console.log(`FAIL ${runtime}: ${file} ${fault}`);
  }
  if (fault !== undefined) console.log(readFileSync(output, "utf8"));
  console.log(`     ${runtime}: ${file} took ${Math.round((performance.now() - began) / 1000)} s`);
}

/** Reads the lines `(pass) name` and `(fail) name` of bun test as they come, and what it says before a failed one. */
function followResults(
  child: Child,
  found: (line: string, result: { readonly passed: boolean; readonly said: readonly string[] }) => void,
): { finish(): void; readonly failed: number } {
  let taken = 0;
  let failed = 0;
  let said: string[] = [];
  const read = (): void => {
    const lines = child.log().split("\n").slice(taken, -1);
    taken += lines.length;
    for (const line of lines) {
      if (!/^\((pass|fail)\) /.test(line)) said.push(line);
      else {
        const passed = line.startsWith("(pass)");
        if (!passed) failed++;
        found(line.slice("(pass) ".length), { passed, said });
        said = [];
      }
    }
  };
  const timer = setInterval(read, 500);
  return {
    finish: () => {
      clearInterval(timer);
      read();
    },
    get failed() {
      return failed;
    },
  };
}

function onInterrupt(folder: string): { disarm(): void } {
  const stop = (): void => {
    void endProcessesOf(folder).then(() => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(130);
    });
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  return { disarm: () => void process.off("SIGINT", stop).off("SIGTERM", stop) };
}
