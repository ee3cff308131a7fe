import { encodeHubContinue } from "../kube/continue_token.ts";
import type { ListOptions } from "../kube/list_options.ts";
import { objectKey } from "../replica/object_path.ts";
import type { HeldObject } from "../replica/object_rows.ts";
import type { PagedList, PagedLists } from "../replica/paged_lists.ts";

/** What one answer has of a list. */
export interface ListPage {
  readonly items: readonly HeldObject[];
  /** Empty at the last. */
  readonly continue: string;
  /** Missing where the API server does not say it: at the last page, and of lists with a selector. */
  readonly remainingItemCount?: number;
}

/** The first page of a list, kept for the further ones; all of it where no limit counts, or it is too long to be kept. */
export function firstPage(list: PagedList, options: ListOptions, lists: PagedLists): ListPage {
  const limit = limitOf(options);
  const all = { items: list.items, continue: "" };
  if (list.items.length <= limit) return all;
  const id = lists.keep(list);
  return id === undefined ? all : cut(list, { id, begin: 0, limit });
}

/** A further page: what stands at or behind `start`. */
export function pageFrom(
  list: PagedList,
  { id, start }: { readonly id: string; readonly start: string },
  options: ListOptions,
): ListPage {
  const begin = list.items.findIndex(({ meta }) => objectKey(meta.namespace, meta.name) >= start);
  return cut(list, { id, begin: begin < 0 ? list.items.length : begin, limit: limitOf(options) });
}

/** As the API server's watch cache: none counts for version 0. */
function limitOf({ limit, resourceVersion }: ListOptions): number {
  return limit > 0 && resourceVersion !== "0" ? limit : Infinity;
}

function cut(
  { items, head, query }: PagedList,
  { id, begin, limit }: { readonly id: string; readonly begin: number; readonly limit: number },
): ListPage {
  const page = items.slice(begin, begin + limit);
  const last = page.at(-1)?.meta;
  const remainingItemCount = items.length - begin - page.length;
  if (last === undefined || remainingItemCount === 0) return { items: page, continue: "" };
  const start = `${objectKey(last.namespace, last.name)}\0`;
  const token = encodeHubContinue({ list: id, resourceVersion: head.resourceVersion, start });
  const selective = query.labelSelector !== "" || query.fieldSelector !== "";
  return { items: page, continue: token, ...(selective ? {} : { remainingItemCount }) };
}
