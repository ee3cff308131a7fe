import { queryWords } from "../kube/query_words.ts";
import { resourceWords } from "../kube/resource_words.ts";
import { queryKey } from "../kube/resources.ts";
import { humanDuration } from "../kube/table/human_duration.ts";
import type { StoredCollection } from "../replica/collection_rows.ts";
import { type HeldSelection, selectsCollection, selectsObject } from "../replica/held_selection.ts";
import type { DocumentSummary, StoredRecord, StoredRows } from "../replica/stored_rows.ts";
import { namespaceFlag, outputFlag, resourceArgument, storageFlags } from "./cache_flags.ts";
import { type CacheOutput, counted, createCacheOutput, textTable } from "./cache_output.ts";
import { readSelection, requireHeld } from "./cache_selection.ts";
import { askCache, readCache } from "./cache_store.ts";
import type { Command, CommandContext } from "./command.ts";
import { formatJson, formatYaml } from "./exact_json.ts";
import { hubFlags } from "./hub_flags.ts";

/** `holdfast cache ls`. */
export const cacheLsCommand: Command = {
  name: "cache ls",
  summary: "Lists what the hub keeps: collections, recorded objects and copies of documents; the hub may run",
  argument: resourceArgument(false),
  flags: [namespaceFlag, outputFlag(["table", "json", "yaml"]), ...storageFlags],
  fileFlags: hubFlags,
  run: listCache,
};

/** @returns 1 where rows are damaged: the list is not complete then */
async function listCache(context: CommandContext): Promise<number> {
  const { platform, values, argument } = context;
  const selection = readSelection(argument, values.string("namespace"));
  const rows = await askCache(context, readCache);
  requireHeld(selection, rows);
  const listing = listingOf(rows, selection);
  const output = createCacheOutput(platform.process);
  const format = values.string("output");
  if (format === "table") await writeTables(output, listing, platform.clock.now());
  else if (format === "json") await output.write(`${formatJson(listing)}\n`);
  else await output.write(formatYaml(listing));
  await output.end();
  const { stderr } = platform.process;
  const count = listing.collections.length + listing.records.length + listing.documents.length;
  if (count === 0 && format === "table") stderr.write("Nothing is held\n");
  if (rows.problems.length === 0) return 0;
  stderr.write(`${counted(rows.problems.length, "damaged row")}: see holdfast cache verify\n`);
  return 1;
}

/** What `-o json` gives. Times are of RFC 3339, bytes those of objects before sealing. */
interface Listing {
  readonly collections: readonly ListedCollection[];
  readonly records: readonly ListedRecord[];
  readonly documents: readonly ListedDocument[];
}

interface ListedCollection {
  /** In kubectl's words. */
  readonly query: string;
  readonly resource: string;
  readonly namespace: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
  /** For whom it is kept, where it is not shared by all. */
  readonly scope?: string;
  readonly resourceVersion: string;
  readonly epoch: number;
  /** `refused`: the cloud last gave no leave. What lies in the store is stale until a hub has asked the cloud. */
  readonly state: "stale" | "refused";
  readonly staleSince: string;
  readonly lastRead: string;
  readonly lastWatched?: string;
  readonly objects: number;
  readonly bytes: number;
}

interface ListedRecord {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly savedAt: string;
  readonly bytes: number;
}

interface ListedDocument {
  readonly path: string;
  readonly query: string;
  /** `Accept`, then `Accept-Encoding`. */
  readonly accept: string;
  readonly savedAt: string;
  readonly bytes: number;
}

function listingOf(rows: StoredRows, selection: HeldSelection): Listing {
  const all = selection.resource === "" && selection.namespace === "";
  return {
    collections: rows.collections.filter(({ query, head }) => selectsCollection(selection, query, head.kind))
      .map(listedCollection),
    records: rows.records.filter(({ path, held }) => selectsObject(selection, path, held.meta)).map(listedRecord),
    documents: all ? rows.documents.map(listedDocument) : [],
  };
}

function listedCollection(collection: StoredCollection): ListedCollection {
  const { key, query, head, objects, lastWatched } = collection;
  const shared = queryKey(query);
  return {
    query: queryWords(query),
    resource: resourceWords(query),
    namespace: query.namespace,
    labelSelector: query.labelSelector,
    fieldSelector: query.fieldSelector,
    ...(key === shared ? {} : { scope: key.slice(0, -shared.length - 1) }),
    resourceVersion: head.resourceVersion,
    epoch: collection.resourceEpoch,
    state: collection.refusal === undefined ? "stale" : "refused",
    staleSince: iso(collection.staleSince),
    lastRead: iso(collection.lastRead),
    ...(lastWatched === 0 ? {} : { lastWatched: iso(lastWatched) }),
    objects: objects.length,
    bytes: objects.reduce((sum, { length }) => sum + length, 0),
  };
}

function listedRecord({ path, held }: StoredRecord): ListedRecord {
  return {
    resource: resourceWords(path),
    namespace: path.namespace,
    name: path.name,
    uid: held.meta.uid,
    resourceVersion: held.meta.resourceVersion,
    savedAt: iso(held.savedAt),
    bytes: held.length,
  };
}

function listedDocument({ question, savedAt, bytes }: DocumentSummary): ListedDocument {
  const [path = "", query = "", ...accept] = question.split(" ");
  return { path, query, accept: accept.join(" ").trim(), savedAt: iso(savedAt), bytes };
}

async function writeTables(output: CacheOutput, { collections, records, documents }: Listing, nowMs: number) {
  const since = (time: string) => humanDuration(nowMs - Date.parse(time));
  const tables = [
    {
      header: ["COLLECTION", "VERSION", "STATE", "STALE FOR", "OBJECTS", "BYTES", "LAST READ"],
      rows: collections.map(({ query, scope, resourceVersion, state, staleSince, objects, bytes, lastRead }) => [
        scope === undefined ? query : `${query} (${scope})`,
        resourceVersion,
        state,
        since(staleSince),
        String(objects),
        String(bytes),
        since(lastRead),
      ]),
    },
    {
      header: ["RECORD", "NAMESPACE", "NAME", "VERSION", "AGE", "BYTES"],
      rows: records.map(({ resource, namespace, name, resourceVersion, savedAt, bytes }) => [
        resource,
        namespace,
        name,
        resourceVersion,
        since(savedAt),
        String(bytes),
      ]),
    },
    {
      header: ["DOCUMENT", "QUERY", "ACCEPT", "AGE", "BYTES"],
      rows: documents.map(({ path, query, accept, savedAt, bytes }) => [
        path,
        query,
        accept,
        since(savedAt),
        String(bytes),
      ]),
    },
  ].filter(({ rows }) => rows.length > 0);
  await output.write(tables.map(({ header, rows }) => textTable(header, rows)).join("\n"));
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
