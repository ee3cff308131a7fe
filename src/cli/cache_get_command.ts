import { resourceWords } from "../kube/resource_words.ts";
import { type Store, StoreError } from "../platform/store.ts";
import { type NewestHeld, newestHeld } from "../replica/newest_held.ts";
import { namespaceFlag, outputFlag, resourceArgument, storageFlags } from "./cache_flags.ts";
import { type CacheOutput, counted, createCacheOutput, printable, textTable } from "./cache_output.ts";
import { readSelection, requireHeld } from "./cache_selection.ts";
import { openCache, readCache } from "./cache_store.ts";
import type { Command, CommandContext } from "./command.ts";
import { formatJson, formatYaml, parseExact } from "./exact_json.ts";
import { hubFlags } from "./hub_flags.ts";
import { withoutSecretValues } from "./secret_values.ts";

/** `holdfast cache get`. */
export const cacheGetCommand: Command = {
  name: "cache get",
  summary: "Prints the objects that the hub keeps, of each the newest version; the hub may run",
  argument: resourceArgument(true),
  flags: [namespaceFlag, outputFlag(["table", "json", "yaml", "name"]), {
    name: "show-secrets",
    type: "boolean",
    default: "false",
    help: "print what Secrets keep, instead of its length",
    group: "Output",
    commandLineOnly: true,
  }, ...storageFlags],
  fileFlags: hubFlags,
  run: getCache,
};

/** @returns 1 where an object that is asked for is not there, or cannot be read */
async function getCache(context: CommandContext): Promise<number> {
  const { platform, values, argument } = context;
  const selection = readSelection(argument, values.string("namespace"));
  const store = await openCache(context);
  const output = createCacheOutput(platform.process);
  const { stderr } = platform.process;
  try {
    const rows = await readCache(store);
    requireHeld(selection, rows);
    const objects = newestHeld(rows, selection);
    if (objects.length === 0) {
      const where = selection.namespace === "" ? "" : ` in namespace ${selection.namespace}`;
      if (selection.name !== "") throw new Error(`${selection.resource} "${selection.name}" is not held${where}`);
      stderr.write(`Nothing is held${where}\n`);
    }
    const unreadable = await write(output, objects, {
      store,
      format: values.string("output"),
      single: selection.name !== "" && objects.length === 1,
      showSecrets: values.boolean("show-secrets"),
    });
    await output.end();
    for (const row of unreadable) stderr.write(`Cannot read ${printable(row)}\n`);
    const damaged = rows.problems.length + unreadable.length;
    if (damaged > 0) stderr.write(`${counted(damaged, "damaged row")}: see holdfast cache verify\n`);
    return damaged > 0 ? 1 : 0;
  } finally {
    await store.close();
  }
}

interface Writing {
  readonly store: Store;
  readonly format: string;
  /** Whether it is written as it is, not as an item of a List. */
  readonly single: boolean;
  readonly showSecrets: boolean;
}

/** @returns rows that cannot be read */
async function write(
  output: CacheOutput,
  objects: readonly NewestHeld[],
  writing: Writing,
): Promise<readonly string[]> {
  switch (writing.format) {
    case "name":
      for (const object of objects) await output.write(`${nameOf(object)}\n`);
      return [];
    case "json":
      return await writeJson(output, objects, writing);
    case "yaml":
      return await writeYaml(output, objects, writing);
    default:
      if (objects.length > 0) await output.write(tableOf(objects));
      return [];
  }
}

async function writeJson(output: CacheOutput, objects: readonly NewestHeld[], writing: Writing): Promise<string[]> {
  const unreadable: string[] = [];
  let written = 0;
  if (!writing.single) await output.write('{\n    "apiVersion": "v1",\n    "items": [');
  for (const object of objects) {
    const value = await read(object, { ...writing, written: "json", unreadable });
    if (value === undefined) continue;
    const text = formatJson(value);
    const comma = written === 0 ? "" : ",";
    await output.write(writing.single ? `${text}\n` : `${comma}\n${indented(text)}`);
    written += 1;
  }
  const end = `${
    written === 0 ? "" : "\n    "
  }],\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n`;
  if (!writing.single) await output.write(end);
  return unreadable;
}

async function writeYaml(output: CacheOutput, objects: readonly NewestHeld[], writing: Writing): Promise<string[]> {
  const unreadable: string[] = [];
  let written = 0;
  for (const object of objects) {
    const value = await read(object, { ...writing, written: "yaml", unreadable });
    if (value === undefined) continue;
    const head = written === 0 && !writing.single ? "apiVersion: v1\nitems:\n" : "";
    await output.write(head + formatYaml(writing.single ? value : [value]));
    written += 1;
  }
  if (writing.single) return unreadable;
  const end = 'kind: List\nmetadata:\n  resourceVersion: ""\n';
  await output.write(written === 0 ? `apiVersion: v1\nitems: []\n${end}` : end);
  return unreadable;
}

interface Reading extends Writing {
  readonly written: "json" | "yaml";
  readonly unreadable: string[];
}

async function read(
  { held }: NewestHeld,
  { store, written, showSecrets, unreadable }: Reading,
): Promise<unknown> {
  try {
    const bytes = await store.get(held.row);
    if (bytes !== undefined) {
      const object = parseExact(new TextDecoder().decode(bytes), written);
      return showSecrets ? object : withoutSecretValues(object);
    }
  } catch (error) {
    if (!(error instanceof StoreError || error instanceof SyntaxError)) throw error;
  }
  unreadable.push(held.row);
  return undefined;
}

function tableOf(objects: readonly NewestHeld[]): string {
  return textTable(
    ["NAMESPACE", "NAME", "RESOURCE", "VERSION", "BYTES", "HELD BY"],
    objects.map(({ type, held: { meta, length }, collections, recorded }) => [
      meta.namespace,
      meta.name,
      resourceWords(type),
      meta.resourceVersion,
      String(length),
      [...(collections > 0 ? [counted(collections, "collection")] : []), ...(recorded ? ["a record"] : [])].join(", "),
    ]),
  );
}

/** As kubectl prints it: `pod/web`, `deployment.apps/web`. */
function nameOf({ type: { group }, held: { meta } }: NewestHeld): string {
  return `${meta.kind.toLowerCase()}${group === "" ? "" : `.${group}`}/${meta.name}`;
}

function indented(text: string): string {
  return text.split("\n").map((line) => `        ${line}`).join("\n");
}
