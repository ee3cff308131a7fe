import { verifyStore } from "../replica/verify_store.ts";
import { storageFlags } from "./cache_flags.ts";
import { counted, createCacheOutput, printable } from "./cache_output.ts";
import { askCache, refuseForeignKey } from "./cache_store.ts";
import type { Command, CommandContext } from "./command.ts";
import { hubFlags } from "./hub_flags.ts";

/** `holdfast cache verify`. */
export const cacheVerifyCommand: Command = {
  name: "cache verify",
  summary:
    "Checks every row of the hub's store: it opens by its seal, is whole, and belongs to something; changes nothing",
  flags: storageFlags,
  fileFlags: hubFlags,
  run: verifyCache,
};

/** @returns 1 where a row is not as it must be */
async function verifyCache(context: CommandContext): Promise<number> {
  const { rows, problems, leftOver, objectBytes } = await askCache(context, verifyStore);
  refuseForeignKey(rows);
  const output = createCacheOutput(context.platform.process);
  for (const { row, what } of problems) await output.write(`${printable(row)}: ${printable(what)}\n`);
  const { collections, records, documents, objectRows, count } = rows;
  const found = [
    counted(collections.length, "collection"),
    counted(records.length, "record"),
    counted(documents.length, "document"),
    `${counted(objectRows.size, "object")} (${objectBytes} bytes)`,
  ].join(", ");
  await output.write(`${counted(count, "row")} checked: ${found}; ${counted(problems.length, "problem")}\n`);
  if (leftOver > 0) {
    await output.write(
      `${counted(leftOver, "object")} of event logs: the hub that runs, or was killed, held no more of them\n`,
    );
  }
  await output.end();
  return problems.length === 0 ? 0 : 1;
}
