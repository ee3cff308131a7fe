import { createCipher } from "../../../adapters/shared/cipher.ts";
import { cacheGetCommand } from "../../../src/cli/cache_get_command.ts";
import { cacheLsCommand } from "../../../src/cli/cache_ls_command.ts";
import { cacheRmCommand } from "../../../src/cli/cache_rm_command.ts";
import { cacheVerifyCommand } from "../../../src/cli/cache_verify_command.ts";
import type { Command } from "../../../src/cli/command.ts";
import type { RawFlags } from "../../../src/cli/config_file.ts";
import { runCommand } from "../../../src/cli/run_command.ts";
import { nodeScope } from "../../../src/identity/scope.ts";
import type { Query } from "../../../src/kube/resources.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import { type Store, StoreError } from "../../../src/platform/store.ts";
import { createMemoryStore } from "../../../src/store/memory_store.ts";
import { createSealedStore } from "../../../src/store/sealed_store.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { mapBytes, mapList, mapsQuery } from "../../testing/json_objects.ts";
import { loneReplica } from "../../testing/lone_replica.ts";
import { fakeFiles } from "./fake_files.ts";

type CacheCommandName = "ls" | "get" | "rm" | "verify";

const commands: Readonly<Record<CacheCommandName, Command>> = {
  ls: cacheLsCommand,
  get: cacheGetCommand,
  rm: cacheRmCommand,
  verify: cacheVerifyCommand,
};

export interface CacheScene {
  /** What lies under the seal. */
  readonly memory: Store;
  readonly sealed: Store;
  run(command: CacheCommandName, ...words: readonly string[]): Promise<CacheResult>;
}

export interface CacheResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CacheSceneOptions {
  readonly files?: Readonly<Record<string, string>>;
  /** Whether there is a store at all. */
  readonly missing?: boolean;
}

const key = "k".repeat(32);
const podsQuery: Query = { ...mapsQuery, resource: "pods", fieldSelector: "spec.nodeName=node-1" };

/**
 * The commands on a store in memory, in which a hub that has ended left: all ConfigMaps (`a`, `b`), those of `default` (`a`), one
 * pod with a number that no double can hold, a Secret and a newer `b` as records, and a document.
 */
export async function cacheScene(options: CacheSceneOptions = {}): Promise<CacheScene> {
  const memory = createMemoryStore();
  const sealed = createSealedStore(memory, createCipher(new TextEncoder().encode(key)));
  const { replica, clock } = loneReplica({ store: sealed });
  await replica.restore();
  replica.listed(nodeScope, mapsQuery, mapList(10, mapBytes("a", 5), mapBytes("b", 6, { namespace: "other" })));
  replica.listed(nodeScope, { ...mapsQuery, namespace: "default" }, mapList(11, mapBytes("a", 5)));
  replica.listed(nodeScope, podsQuery, { ...mapList(12, podBytes), kind: "Pod" });
  const path = { group: "", version: "v1", namespace: "default" };
  replica.records.put({ ...path, resource: "secrets", name: "s" }, { bytes: secretBytes, savedAt: clock.now() });
  replica.records.put({ ...path, resource: "configmaps", name: "b", namespace: "other" }, {
    bytes: mapBytes("b", 9, { namespace: "other" }),
    savedAt: clock.now(),
  });
  replica.documents.save("/apis limit=1 application/json gzip", {
    rawHeaders: [],
    body: new Uint8Array(3),
    savedAt: clock.now(),
  });
  await replica.close();
  await clock.advance(90_000);
  const files = { "/var/lib/holdfast/storage.key": key, ...options.files };
  // It outlives the command that closes it.
  const shared: Store = {
    get: (row) => memory.get(row),
    list: (prefix) => memory.list(prefix),
    keys: (prefix) => memory.keys(prefix),
    commit: (batch) => memory.commit(batch),
    close: () => Promise.resolve(),
  };
  const openStore: Platform["openStore"] = ({ path: file }) =>
    options.missing === true
      ? Promise.reject(new StoreError("failed", `Cannot open ${file}: unable to open database file`))
      : Promise.resolve(shared);
  return {
    memory,
    sealed,
    run: async (name, ...words) => {
      let [stdout, stderr] = ["", ""];
      const process = {
        environment: {},
        stdout: { write: (text: string) => void (stdout += text), drained: () => Promise.resolve(), isTerminal: false },
        stderr: { write: (text: string) => void (stderr += text) },
        stop: new AbortController().signal,
      };
      const used = { clock, random: createFakeRandom(), files: fakeFiles(files), openStore, createCipher, process };
      const platform = used as unknown as Platform; // a command that uses another port fails in every test
      const { given, rest } = split(words);
      const exitCode = await runCommand({ platform, command: commands[name], given, rest, runtimeVersion: "1" });
      return { exitCode, stdout, stderr };
    },
  };
}

/** `--name=value` and `--name` are flags, all else is left over. */
function split(words: readonly string[]): { readonly given: RawFlags; readonly rest: readonly string[] } {
  const given: Record<string, readonly string[]> = {};
  const rest: string[] = [];
  for (const word of words) {
    const [, name, value = "true"] = /^--([^=]+)(?:=(.*))?$/.exec(word) ?? [];
    if (name === undefined) rest.push(word);
    else given[name] = [value];
  }
  return { given, rest };
}

const podBytes = new TextEncoder().encode(
  '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"default","uid":"web","resourceVersion":"12"},' +
    '"spec":{"priority":9007199254740993}}',
);
const secretBytes = new TextEncoder().encode(
  '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","namespace":"default","uid":"s","resourceVersion":"8"},' +
    '"data":{"password":"aHVudGVyMg=="}}',
);
