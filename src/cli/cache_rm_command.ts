import { type CacheRemoved, describeRemoved } from "../hub/cache_app.ts";
import { StoreError } from "../platform/store.ts";
import type { Removal } from "../replica/removal.ts";
import { namespaceFlag, resourceArgument, statusServerFlags, storageFlags } from "./cache_flags.ts";
import { counted, createCacheOutput, printable } from "./cache_output.ts";
import { removeThroughHub } from "./cache_rm_hub.ts";
import { removeFromStore } from "./cache_rm_store.ts";
import { readSelection, requireHeld } from "./cache_selection.ts";
import { askCache, readCache } from "./cache_store.ts";
import type { Command, CommandContext } from "./command.ts";
import { hubFlags } from "./hub_flags.ts";
import { UsageError } from "./usage_error.ts";

/** `holdfast cache rm`. */
export const cacheRmCommand: Command = {
  name: "cache rm",
  summary: "Removes a part of what the hub keeps, to be fetched again; a hub that runs does it itself",
  argument: resourceArgument(false),
  flags: [
    namespaceFlag,
    {
      name: "documents",
      type: "boolean",
      default: "false",
      help: "remove the copies of discovery and OpenAPI documents",
      group: "Selection",
      commandLineOnly: true,
    },
    {
      name: "all",
      type: "boolean",
      default: "false",
      help: "remove everything",
      group: "Selection",
      commandLineOnly: true,
    },
    {
      name: "force",
      type: "boolean",
      default: "false",
      help: "remove also while the link to the cloud is cut: until it is back, the hub cannot answer what is removed",
      group: "Selection",
      commandLineOnly: true,
    },
    ...storageFlags,
    ...statusServerFlags,
  ],
  fileFlags: hubFlags,
  run: removeFromCache,
};

/** @returns 1 where there was nothing to remove */
async function removeFromCache(context: CommandContext): Promise<number> {
  const { platform } = context;
  const removal = removalOf(context);
  await check(context, removal);
  const removed = await remove(context, removal);
  const { collections, records, documents, remaining, storeError } = removed;
  const output = createCacheOutput(platform.process);
  for (const query of collections) await output.write(`removed collection ${printable(query)}\n`);
  if (records > 0) await output.write(`removed ${counted(records, "record")}\n`);
  if (documents > 0) await output.write(`removed ${counted(documents, "document")}\n`);
  await output.end();
  const { stderr } = platform.process;
  for (const query of remaining) stderr.write(`still held by collection ${printable(query)}\n`);
  if (storeError !== undefined) {
    stderr.write(`The hub could not write it to disk yet, and goes on trying: ${storeError}\n`);
  }
  if (collections.length + records + documents > 0) return 0;
  stderr.write("Nothing was removed: nothing of that is kept by itself\n");
  return 1;
}

/** A path that holds no store, and a key that opens no row, are errors: neither is made, and nothing is dropped for it. */
async function check(context: CommandContext, removal: Removal): Promise<void> {
  const rows = await askCache(context, readCache);
  if (typeof removal !== "string") requireHeld(removal, rows);
}

async function remove(context: CommandContext, removal: Removal): Promise<CacheRemoved> {
  try {
    return describeRemoved(await removeFromStore(context, removal));
  } catch (error) {
    if (!(error instanceof StoreError) || error.failure !== "locked") throw error;
    return await removeThroughHub(context, removal);
  }
}

/** @throws UsageError */
function removalOf({ argument, values }: CommandContext): Removal {
  const wanted = [
    ...(argument === "" ? [] : ["RESOURCE[/NAME]"]),
    ...["documents", "all"].filter((name) => values.boolean(name)).map((name) => `--${name}`),
  ];
  if (wanted.length === 0) {
    throw new UsageError("RESOURCE[/NAME], --documents or --all is required: what is to be removed?");
  }
  if (wanted.length > 1) throw new UsageError(`${wanted.join(" and ")} do not go together`);
  const namespace = values.string("namespace");
  if (argument !== "") return readSelection(argument, namespace);
  if (namespace !== "") throw new UsageError(`--namespace "${namespace}" does not go together with ${wanted[0]}`);
  return values.boolean("all") ? "all" : "documents";
}
