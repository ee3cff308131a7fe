import { openStore } from "../../adapters/shared/store.ts";

/** What the test of the compiled binary runs: one row written through the worker and read again. */
const path = process.argv[2];
if (path === undefined) throw new TypeError("Cannot run: the store's path is missing");
const store = await openStore({ path, durability: "full" });
await store.commit({ put: [["key", new TextEncoder().encode("written by the worker")]] });
process.stdout.write(new TextDecoder().decode(await store.get("key")));
await store.close();
