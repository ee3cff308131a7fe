import process from "node:process";
import { openStore } from "../../adapters/shared/store.ts";

/**
 * Commits batches of three rows, many at once, until it is killed; after each that has resolved it writes the batch's
 * number. Arguments: the store's path, the durability.
 */
const [, , path = "", durability] = process.argv;
const store = await openStore({ path, durability: durability === "full" ? "full" : "normal" });
let next = 0;

async function commitForEver(): Promise<never> {
  for (;;) {
    const number = next++;
    const value = new TextEncoder().encode(`${number}`.repeat(200));
    await store.commit({ put: ["a", "b", "c"].map((row) => [`${row}/${number}`, value]) });
    process.stdout.write(`${number}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, commitForEver));
