import { contentTypeOf } from "../kube/media_type.ts";
import { protobufToJson } from "../kube/protobuf_messages.ts";
import { StatusError } from "../kube/status.ts";
import type { Call } from "./call.ts";
import { bodyOf, member, parseJson, protobufType } from "./write_body.ts";

/**
 * Whether a DELETE may be one that deletes nothing (`dryRun`): kubectl and client-go say so in its body, of which the
 * answer tells nothing. Reads the body.
 *
 * @returns true too where the body is in no form that is understood
 * @throws StatusError 413
 */
export async function mayBeDryDelete(call: Call): Promise<boolean> {
  if (call.info.verb !== "delete") return false;
  const body = await bodyOf(call);
  if (body.length === 0) return false;
  const { type } = contentTypeOf(call.exchange.header("content-type"));
  try {
    const json = type === protobufType ? protobufToJson(body) : body;
    if (json === undefined) return true;
    const dryRun = member(parseJson(json), "dryRun");
    return dryRun !== undefined && dryRun !== null && !(Array.isArray(dryRun) && dryRun.length === 0);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return true; // the cloud refuses it in its own words, or knows a form that the hub does not
  }
}
