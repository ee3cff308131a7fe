import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCipher } from "../../adapters/shared/cipher.ts";
import { openStore } from "../../adapters/shared/store.ts";
import type { Store } from "../../src/platform/store.ts";
import { createMemoryStore } from "../../src/store/memory_store.ts";
import { createSealedStore } from "../../src/store/sealed_store.ts";
import { createFakeRandom } from "../testing/fake_random.ts";
import { testStore } from "./store_contract.ts";

const cipher = createCipher(createFakeRandom().bytes(32));
const nothing = async (): Promise<void> => {};

async function openSqlite(): Promise<readonly [Store, () => Promise<void>]> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-test-"));
  const store = await openStore({ path: join(folder, "store.db"), durability: "normal" });
  return [store, () => rm(folder, { recursive: true })];
}

testStore("SQLite", openSqlite);
testStore("memory", async () => [createMemoryStore(), nothing]);
testStore("sealed over memory", async () => [createSealedStore(createMemoryStore(), cipher), nothing]);
