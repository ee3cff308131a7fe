import process from "node:process";
import { openStore } from "../../adapters/shared/store.ts";

/** Opens a store for writing and holds it until its standard input ends; then closes it and ends by itself. */
const [, , path = ""] = process.argv;
const store = await openStore({ path, durability: "normal" });
await store.commit({ put: [["key", new TextEncoder().encode("of the other process")]] });
process.stdout.write("held\n");
process.stdin.on("end", () => void store.close());
process.stdin.resume();
