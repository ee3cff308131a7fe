import { createCipher } from "../../../adapters/shared/cipher.ts";
import { isIssuedBy } from "../../../adapters/shared/certificates.ts";
import { doctorCommand } from "../../../src/cli/doctor_command.ts";
import type { RawFlags } from "../../../src/cli/config_file.ts";
import { runCommand } from "../../../src/cli/run_command.ts";
import { FileError } from "../../../src/platform/files.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import { ResolveError, type ResolveFailure } from "../../../src/platform/resolve.ts";
import type { Store } from "../../../src/platform/store.ts";
import { UpstreamError, type UpstreamFailure, type UpstreamRequest } from "../../../src/platform/upstream.ts";
import { createMemoryStore } from "../../../src/store/memory_store.ts";
import { createSealedStore } from "../../../src/store/sealed_store.ts";
import { type Authority, createAuthority } from "../../testing/certificates.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake_clock.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { kubeconfigText } from "../../testing/kubeconfig_text.ts";

export interface WorldFile {
  text: string;
  mode: number;
}

export interface WorldAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A machine and a cluster with nothing wrong; a test plants its fault in it. */
export interface World {
  readonly authority: Authority;
  readonly clock: FakeClock;
  /** By path. */
  readonly files: Map<string, WorldFile>;
  /** Modes of folders; others have 0755. */
  readonly folders: Map<string, number>;
  /** Flags by name, in place of the scene's own. */
  readonly flags: Record<string, readonly string[]>;
  freeBytes: number;
  writeMs: number;
  /** What a write fails with: ENOSPC. */
  writeError: string | undefined;
  /** What a folder's list fails with. */
  listError: string | undefined;
  resolveFailure: ResolveFailure | undefined;
  dialFailure: UpstreamFailure | "hang" | undefined;
  /** What a request over TLS fails with. */
  requestFailure: UpstreamFailure | undefined;
  /** How far the API server's clock is ahead. */
  aheadMs: number;
  /** How long it takes for a connection, and for an answer. */
  readonly dialMs: number;
  answerMs: number;
  /** In place of the API server's answer. */
  cloud: (path: string) => WorldAnswer | undefined;
  /** Rights that the node has not: `watch endpoints`, `get /openid/v1/jwks`. */
  readonly denied: Set<string>;
  /** Who has a port of this machine: its answers by path, none where it gives no answer. */
  readonly taken: Map<number, (path: string) => WorldAnswer | undefined>;
  /** What listening fails with, where it is not that somebody has the port. */
  listenError: string | undefined;
  /** What opening a store fails with. */
  openError: Error | undefined;
  store: Store;
  outbox: Store;
  /** Paths that were asked of API servers, and by which credential. */
  readonly asked: { readonly path: string; readonly origin: string; readonly hasCertificate: boolean }[];
  /** Issues an identity for the hub. */
  identify(commonName: string, notAfter?: Date): Promise<void>;
  serve(names: readonly string[], by?: Authority): Promise<void>;
  /** Lets time pass without its timers: many do so at once. */
  spend(ms: number): void;
  run(...words: readonly string[]): Promise<DoctorResult>;
}

export interface DoctorResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const key: string = "k".repeat(32);
const hour = 60 * 60_000;
const servingNames = [
  ...[
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
  ],
  ...["node-1", "127.0.0.1", "::1", "169.254.2.1", "10.96.0.1"],
];

export async function doctorWorld(): Promise<World> {
  const authority = await createAuthority();
  const still = createFakeClock(Date.now());
  let spentMs = 0;
  const clock: FakeClock = { ...still, now: () => still.now() + spentMs, monotonic: () => still.monotonic() + spentMs };
  const files = new Map<string, WorldFile>([
    ["/etc/cni/net.d/10-flannel.conflist", file({ plugins: [{ type: "flannel" }, { type: "portmap" }] })],
    ["/etc/kubernetes/kubelet.conf", file(kubeletConfig("http://127.0.0.1:10261"))],
    ["/proc/7/cmdline", { text: "/usr/bin/kubelet\0--kubeconfig=/etc/kubernetes/kubelet.conf\0", mode: 0o444 }],
    ["/var/lib/holdfast/storage.key", { text: key, mode: 0o600 }],
    ["/var/lib/holdfast/cache/holdfast.db", { text: "SQLite", mode: 0o600 }],
    ["/var/lib/holdfast/pki/kube-root-ca.crt", { text: authority.caPem, mode: 0o600 }],
  ]);
  const world: World = {
    authority,
    clock,
    files,
    folders: new Map([["/var/lib/holdfast", 0o700]]),
    flags: {},
    freeBytes: 1e11,
    writeMs: 3,
    writeError: undefined,
    listError: undefined,
    resolveFailure: undefined,
    dialFailure: undefined,
    requestFailure: undefined,
    aheadMs: 0,
    answerMs: 23,
    dialMs: 9,
    cloud: () => undefined,
    denied: new Set(),
    taken: new Map(),
    listenError: undefined,
    openError: undefined,
    store: await sealedStore(key),
    outbox: createMemoryStore(),
    asked: [],
    identify: async (commonName, notAfter = new Date(clock.now() + 12 * hour)) => {
      const pair = await authority.issue({ commonName, organizations: ["system:nodes"], notAfter });
      files.set("/etc/holdfast/node.conf", {
        text: kubeconfigText({ port: 1, ca: authority.caPem, ...pair }),
        mode: 0o600,
      });
    },
    serve: async (names, by = authority) => {
      const { cert, key: privateKey } = await by.issue({ commonName: "system:node:node-1", names });
      files.set("/var/lib/holdfast/pki/hub-server-current.pem", { text: cert + privateKey, mode: 0o600 });
    },
    spend: (ms) => void (spentMs += ms),
    run: (...words) => run(world, words),
  };
  await world.identify("system:node:node-1");
  await world.serve(servingNames);
  return world;
}

/** What kubelet is started with. */
export function kubeletConfig(server: string): object {
  return {
    "current-context": "c",
    clusters: [{ name: "c", cluster: { server } }],
    users: [{ name: "u", user: null }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
  };
}

export function file(content: unknown, mode = 0o644): WorldFile {
  return { text: JSON.stringify(content), mode };
}

/** A store with one row that the key opens. */
export async function sealedStore(storageKey: string): Promise<Store> {
  const store = createMemoryStore();
  const sealed = createSealedStore(store, createCipher(new TextEncoder().encode(storageKey)));
  await sealed.commit({ put: [["row", new Uint8Array(8)]] });
  return store;
}

async function run(world: World, words: readonly string[]): Promise<DoctorResult> {
  let [stdout, stderr] = ["", ""];
  const process = {
    environment: {},
    stdout: { write: (text: string) => void (stdout += text), drained: () => Promise.resolve(), isTerminal: false },
    stderr: { write: (text: string) => void (stderr += text) },
    stop: new AbortController().signal,
  };
  const { clock } = world;
  const used = {
    clock,
    random: createFakeRandom(),
    isIssuedBy,
    createCipher,
    process,
    ...ports(world),
    ...network(world),
  };
  const platform = used as unknown as Platform; // a doctor that uses another port fails in every test
  const given: Record<string, readonly string[]> = {
    "server-addr": ["cloud.example:6443"],
    "node-name": ["node-1"],
    kubeconfig: ["/etc/holdfast/node.conf"],
    ...world.flags,
  };
  for (const word of words) given[word] = ["true"];
  const flags: RawFlags = given;
  const exitCode = await runCommand({ platform, command: doctorCommand, given: flags, rest: [], runtimeVersion: "1" });
  return { exitCode, stdout, stderr };
}

/** Files and stores. */
function ports(world: World) {
  const { files } = world;
  const isFolder = (path: string) => [...files.keys()].some((each) => each.startsWith(`${path === "/" ? "" : path}/`));
  return {
    files: {
      read: (path: string) => {
        const found = files.get(path);
        return Promise.resolve(found === undefined ? undefined : new TextEncoder().encode(found.text));
      },
      writeAtomic: (path: string, content: Uint8Array, { mode }: { readonly mode: number }) => {
        world.spend(world.writeMs);
        if (world.writeError !== undefined) return Promise.reject(new FileError(path, world.writeError));
        files.set(path, { text: new TextDecoder().decode(content), mode });
        return Promise.resolve();
      },
      remove: (path: string) => {
        files.delete(path);
        return Promise.resolve();
      },
    },
    disk: {
      stat: (path: string) => {
        const found = files.get(path);
        const mode = world.folders.get(path) ?? 0o755;
        if (found !== undefined) return Promise.resolve({ kind: "file", mode: found.mode, bytes: found.text.length });
        return Promise.resolve(isFolder(path) ? { kind: "folder", mode, bytes: 0 } : undefined);
      },
      list: (folder: string) => {
        if (world.listError !== undefined) return Promise.reject(new FileError(folder, world.listError));
        const below = [...files.keys()].filter((path) => path.startsWith(`${folder}/`));
        const names = new Set(below.map((path) => path.slice(folder.length + 1).split("/")[0] ?? ""));
        return Promise.resolve(below.length === 0 ? undefined : [...names].toSorted());
      },
      freeBytes: () => Promise.resolve(world.freeBytes),
    },
    openStore: ({ path, readOnly }: { readonly path: string; readonly readOnly?: boolean }) => {
      if (readOnly !== true) throw new Error("The doctor writes no store");
      if (world.openError !== undefined) return Promise.reject(world.openError);
      const store = path.endsWith("outbox.db") ? world.outbox : world.store;
      // It outlives the doctor that closes it.
      return Promise.resolve({ list: (prefix: string) => store.list(prefix), close: () => Promise.resolve() });
    },
  };
}

function network(world: World) {
  return {
    resolve: (hostname: string) =>
      world.resolveFailure === undefined
        ? Promise.resolve(["127.0.0.1"])
        : Promise.reject(new ResolveError(world.resolveFailure, `Cannot resolve ${hostname}: as planted`)),
    dial: () => {
      if (world.dialFailure === "hang") return new Promise(() => undefined);
      world.spend(world.dialMs);
      if (world.dialFailure === undefined) return Promise.resolve({ destroy: () => undefined });
      return Promise.reject(new UpstreamError(world.dialFailure, "as planted", { sent: false }));
    },
    listen: ({ port }: { readonly port: number }) => {
      const code = world.taken.has(port) ? "EADDRINUSE" : world.listenError;
      if (code !== undefined) return Promise.reject(Object.assign(new Error(code), { code }));
      return Promise.resolve({ close: () => Promise.resolve() });
    },
    createUpstream: ({ origin, cert }: { readonly origin: string; readonly cert?: string }) => ({
      request: (request: UpstreamRequest) =>
        origin.startsWith("http:")
          ? local(world, { origin, path: request.rawPath })
          : cloud(world, { origin, request, hasCertificate: cert !== undefined }),
      close: () => Promise.resolve(),
    }),
  };
}

function local(world: World, { origin, path }: { readonly origin: string; readonly path: string }) {
  const answer = world.taken.get(Number(new URL(origin).port))?.(path);
  if (answer === undefined) return Promise.reject(new UpstreamError("broken", "as planted", { sent: true }));
  return Promise.resolve(response(answer));
}

interface AskedCloud {
  readonly origin: string;
  readonly request: UpstreamRequest;
  readonly hasCertificate: boolean;
}

function cloud(world: World, { origin, request, hasCertificate }: AskedCloud) {
  const { rawPath: path, body } = request;
  world.asked.push({ path, origin, hasCertificate });
  if (world.requestFailure !== undefined) {
    return Promise.reject(new UpstreamError(world.requestFailure, "as planted", { sent: false }));
  }
  world.spend(world.answerMs);
  const planted = world.cloud(path);
  const date = new Date(world.clock.now() + world.aheadMs).toUTCString();
  const answer = planted ?? standard(world, path, body instanceof Uint8Array ? new TextDecoder().decode(body) : "");
  return Promise.resolve(response({ ...answer, headers: { Date: date } }));
}

/** What an API server answers. */
function standard(world: World, path: string, body: string): WorldAnswer {
  const json = (value: unknown, status = 200): WorldAnswer => ({ status, body: JSON.stringify(value) });
  if (path === "/readyz") return { status: 200, body: "ok" };
  if (path === "/version") return json({ major: "1", minor: "36", gitVersion: "v1.36.0" });
  if (path.endsWith("/services/kubernetes")) {
    return json({ spec: { clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"] } });
  }
  if (path.endsWith("/selfsubjectaccessreviews")) {
    const { spec } = JSON.parse(body) as { spec: Record<string, { verb: string; resource?: string; path?: string }> };
    const asked = spec["resourceAttributes"] ?? spec["nonResourceAttributes"];
    const allowed = !world.denied.has(`${asked?.verb} ${asked?.resource ?? asked?.path}`);
    return json({ spec, status: { allowed } }, 201);
  }
  return json({ kind: "Status", apiVersion: "v1", message: "not found" }, 404);
}

function response({ status, body, headers = {} }: WorldAnswer) {
  return { status, reason: "", rawHeaders: Object.entries(headers).flat(), body: source(body) };
}

// deno-lint-ignore require-await
async function* source(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}
