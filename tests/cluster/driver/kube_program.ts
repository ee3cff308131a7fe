import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { isAlive } from "./leftovers.ts";
import { sleep } from "./wait.ts";

const SOURCES: string = join(import.meta.dirname, "..", "kube");
const KUBERNETES = { version: "v1.36.3", major: "1", minor: "36" };
const BUILD_LIMIT_MS = 20 * 60_000;
const LOCK_POLL_MS = 500;

let building: Promise<string> | undefined;

/**
 * Builds the Kubernetes program, or finds it built: `$XDG_CACHE_HOME/holdfast/kube-<hash of its sources and of Go's version>`.
 * A second process that wants the same waits for the first.
 *
 * @returns the program's path
 * @throws Error with Go's output
 */
export function buildKube(): Promise<string> {
  building ??= buildOnce();
  return building;
}

async function buildOnce(): Promise<string> {
  const folder = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "holdfast");
  const program = join(folder, `kube-${sourceHash()}`);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const release = await lock(`${program}.lock`);
  try {
    if (!existsSync(program)) await compile(program);
  } finally {
    release();
  }
  return program;
}

async function compile(program: string): Promise<void> {
  console.log(`Building ${program} (4 minutes with a cold Go cache, then seconds)`);
  const began = performance.now();
  const x = "k8s.io/component-base/version";
  const { version, major, minor } = KUBERNETES;
  const flags = `-s -w -X ${x}.gitVersion=${version} -X ${x}.gitMajor=${major} -X ${x}.gitMinor=${minor}`;
  const partial = `${program}.${process.pid}`;
  const code = await run("go", ["build", `-ldflags=${flags}`, "-o", partial, "."]);
  if (code !== 0) {
    rmSync(partial, { force: true });
    throw new Error(`Cannot build ${SOURCES}: go build ended with ${code}`);
  }
  renameSync(partial, program);
  console.log(`Built in ${Math.round((performance.now() - began) / 1000)} s`);
}

function run(command: string, args: readonly string[]): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: SOURCES,
      stdio: ["ignore", "inherit", "inherit"],
      timeout: BUILD_LIMIT_MS,
    });
    child.once("error", reject);
    child.once("exit", resolve);
  });
}

function sourceHash(): string {
  const hash = createHash("sha256").update(execFileSync("go", ["env", "GOVERSION", "GOARCH"])).update(
    JSON.stringify(KUBERNETES),
  );
  for (const name of readdirSync(SOURCES).filter((name) => /\.go$|^go\.(mod|sum)$/.test(name)).sort()) {
    hash.update(`${name}\0`).update(readFileSync(join(SOURCES, name)));
  }
  return hash.digest("hex").slice(0, 16);
}

/** @returns what releases the lock */
async function lock(path: string): Promise<() => void> {
  const began = performance.now();
  for (let waited = false;; waited = true) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (!existsSync(path)) continue;
      if (!waited) console.log(`Waiting for another process that builds: ${path}`);
      if (isStale(path)) rmSync(path, { force: true });
      else if (performance.now() - began > BUILD_LIMIT_MS) {
        throw new Error(`Cannot build: ${path} is held for too long`, { cause: error });
      } else await sleep(LOCK_POLL_MS);
    }
  }
}

/** A holder that has died has left its lock behind. */
function isStale(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    const ageMs = Date.now() - statSync(path).mtimeMs;
    return pid > 0 ? !isAlive(pid) : ageMs > 10_000;
  } catch {
    return false;
  }
}
