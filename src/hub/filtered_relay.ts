import { headerOf } from "../kube/hop_by_hop.ts";
import { joinBytes } from "../kube/joined_bytes.ts";
import { splitList } from "../kube/list_codec.ts";
import { readObjectMeta, withoutTypeMeta, withTypeMeta } from "../kube/object_meta.ts";
import { notAcceptable, notFound } from "../kube/status.ts";
import type { UpstreamResponse } from "../platform/upstream.ts";
import { concat } from "../replica/body.ts";
import type { Form } from "../replica/form.ts";
import type { ResourceOverlays } from "../replica/overlays.ts";
import type { ObjectFilter } from "../replica/object_filter.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { overlaidBody } from "./overlaid_relay.ts";
import { formFor } from "./replica_answers.ts";
import { pathOf } from "./object_path_of.ts";
import { type WholeAnswer, wholeAnswer } from "./whole_answer.ts";

/** What an answer of the cloud goes through on its way to a filtered client. */
export interface FilteredAnswer {
  readonly filter: ObjectFilter;
  /** The form in which the client gets it: the cloud is asked for objects as they are, for there is nothing else to filter. */
  readonly form: Form | undefined;
}

/** Filters exist for the request's objects, and the answer has some. */
export function filteredAnswer(
  context: HubContext,
  call: Call,
  { status }: UpstreamResponse,
): FilteredAnswer | undefined {
  const filter = context.filters?.of(call)?.now();
  const hasBody = status === 200 && call.exchange.method !== "HEAD";
  return filter === undefined || !hasBody ? undefined : { filter, form: formFor(context, call) };
}

/**
 * The only Accept with which a filtered request may go to the cloud.
 *
 * @throws StatusError 406 where the client takes nothing that could be filtered
 */
export function filteredAccept(context: HubContext, call: Call): string {
  const { accept, exchange, info } = call;
  const form = formFor(context, call);
  if (exchange.upgrade || (form === undefined && !accept.json)) {
    throw notAcceptable(
      `${info.resource} are filtered for this client on this node, which needs JSON without an upgrade`,
    );
  }
  return "application/json";
}

/** @throws StatusError 406 where it is no JSON: nothing passes that cannot be filtered */
export function checkFiltered({ rawHeaders }: UpstreamResponse): void {
  const type = headerOf(rawHeaders, "content-type") ?? "";
  if (!type.startsWith("application/json")) throw notAcceptable(`The cloud answered ${type}, which cannot be filtered`);
}

/**
 * Reads an answer whole and makes of it what a filtered client gets.
 *
 * @throws StatusError 404 for an object that is not shown, 500 where a filter fails; UpstreamError, RangeError, JsonSyntaxError
 */
export async function filtered(
  context: HubContext,
  call: Call,
  { response, answer, overlays }: {
    readonly response: UpstreamResponse;
    readonly answer: FilteredAnswer;
    readonly overlays: ResourceOverlays | undefined;
  },
): Promise<WholeAnswer> {
  checkFiltered(response);
  return await wholeAnswer(response, (came) => {
    const body = overlays === undefined ? came : overlaidBody(call, came, overlays);
    // Another one may count since the head of the answer came.
    const filter = context.filters?.of(call)?.now() ?? answer.filter;
    if (call.info.verb === "get") return filteredObject(call, body, { ...answer, filter });
    context.filters?.gave(call, splitList(body).head.resourceVersion);
    return filteredList(body, { ...answer, filter });
  });
}

function filteredObject(call: Call, came: Uint8Array, { filter, form }: FilteredAnswer): Uint8Array {
  const meta = readObjectMeta(came);
  const shown = filter.show(meta, came);
  if (shown === undefined) throw notFound(pathOf(call));
  return form?.object(shown, meta.resourceVersion) ?? shown;
}

function filteredList(came: Uint8Array, { filter, form }: FilteredAnswer): Uint8Array {
  const { head, items } = splitList(came);
  const type = { apiVersion: head.apiVersion, kind: head.kind.replace(/List$/, "") };
  const shown: { readonly item: Uint8Array; readonly typed: Uint8Array }[] = [];
  for (const item of items) {
    const typed = withTypeMeta(item, type);
    const object = filter.show(readObjectMeta(typed), typed);
    if (object === typed) shown.push({ item, typed });
    else if (object !== undefined) {
      shown.push({ item: typed === item ? object : withoutTypeMeta(object), typed: object });
    }
  }
  if (form !== undefined) return concat([...form.list(shown.map(({ typed }) => typed), head)]);
  const [first] = items;
  const last = items.at(-1);
  if (first === undefined || last === undefined) return came;
  const end = last.byteOffset - came.byteOffset + last.length;
  const parts = shown.flatMap(({ item }, at) => (at === 0 ? [item] : [",", item]));
  return joinBytes([came.subarray(0, first.byteOffset - came.byteOffset), ...parts, came.subarray(end)]);
}
