import { headerOf } from "../kube/hop_by_hop.ts";
import { joinBytes } from "../kube/joined_bytes.ts";
import { splitList } from "../kube/list_codec.ts";
import { readObjectMeta, withoutTypeMeta } from "../kube/object_meta.ts";
import type { UpstreamResponse } from "../platform/upstream.ts";
import { jsonCodec } from "../replica/codec.ts";
import type { ResourceOverlays } from "../replica/overlays.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { maxWholeBytes, type WholeAnswer, wholeAnswer } from "./whole_answer.ts";

/** The overlays that lie over an answer of the cloud; nothing where none can: one that is too long is shown as it came. */
export function overlaysOf(
  { replica, filters }: HubContext,
  call: Call,
  { status, rawHeaders }: UpstreamResponse,
): ResourceOverlays | undefined {
  const { info, accept } = call;
  const isFiltered = filters?.of(call)?.now() !== undefined; // of which the cloud is always asked for objects as they are
  const isFormed = accept.as !== undefined && !isFiltered;
  if (!info.isResource || status !== 200 || isFormed || !["get", "list"].includes(info.verb)) {
    return undefined;
  }
  const overlays = replica.overlays.of(info);
  if (overlays === undefined || overlays.size === 0 || !["", "status"].includes(info.subresource)) return undefined;
  if (!(headerOf(rawHeaders, "content-type") ?? "").startsWith("application/json")) return undefined;
  return Number(headerOf(rawHeaders, "content-length") ?? 0) > maxWholeBytes ? undefined : overlays;
}

/** Reads an answer whole and lays the overlays over it. @throws UpstreamError, RangeError, JsonSyntaxError */
export function overlaid(call: Call, response: UpstreamResponse, overlays: ResourceOverlays): Promise<WholeAnswer> {
  return wholeAnswer(response, (came) => overlaidBody(call, came, overlays));
}

/** The body of an answer with overlays over it. @throws JsonSyntaxError */
export function overlaidBody({ info }: Call, came: Uint8Array, overlays: ResourceOverlays): Uint8Array {
  return info.verb === "get" ? object(came, overlays) : list(came, overlays);
}

function object(bytes: Uint8Array, overlays: ResourceOverlays): Uint8Array {
  const meta = readObjectMeta(bytes);
  return overlays.covers(meta) ? overlays.over(meta, new Uint8Array(bytes)) : bytes;
}

/** The items of a built-in list have no type: with it they are laid over, without it they are shown. */
function list(bytes: Uint8Array, overlays: ResourceOverlays): Uint8Array {
  const { head, items } = splitList(bytes);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const item of items) {
    const meta = readObjectMeta(item);
    if (!overlays.covers(meta)) continue;
    const type = { apiVersion: head.apiVersion, kind: head.kind.replace(/List$/, "") };
    const shown = overlays.over(meta, jsonCodec.stored(new Uint8Array(item), type));
    const start = item.byteOffset - bytes.byteOffset;
    parts.push(bytes.subarray(at, start), withoutTypeMeta(shown));
    at = start + item.length;
  }
  return parts.length === 0 ? bytes : joinBytes([...parts, bytes.subarray(at)]);
}
