import { isBuiltinGroup, queryOf } from "../kube/resources.ts";
import type { Access } from "../replica/access.ts";
import type { Audience } from "../replica/resource_replica.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { pathOf } from "./object_path_of.ts";

/**
 * What a call reads. @returns nothing for what is no read of objects
 *
 * @throws StatusError 400 where a selector is not well-formed
 */
export function accessOf({ info, options }: Pick<Call, "info" | "options">): Access | undefined {
  const { verb, name, namespace, subresource } = info;
  if (!info.isResource || subresource !== "") return undefined;
  if (verb === "get") {
    const { name: _, ...path } = pathOf({ info });
    return { verb, namespace, name, query: { ...path, labelSelector: "", fieldSelector: "" } };
  }
  if (options === undefined || (verb !== "list" && verb !== "watch")) return undefined;
  return { verb, namespace, name, query: queryOf(info, options) };
}

/** Whether what is held can be anything to a service account that reads: what all scopes share is. */
export function shares({ caller, info }: Pick<Call, "caller" | "info">): boolean {
  const { isResource, group, verb } = info;
  return caller.token !== undefined && isResource && isBuiltinGroup(group) && ["get", "list", "watch"].includes(verb);
}

/** Whether the answer to a service account's write shows an object that all scopes share (R2). */
export function showsWritten({ caller, info }: Pick<Call, "caller" | "info">): boolean {
  const { verb, subresource, group, isResource } = info;
  if (caller.token === undefined || !isResource || !isBuiltinGroup(group) || !["", "status"].includes(subresource)) {
    return false;
  }
  return ["create", "update", "patch", "delete"].includes(verb);
}

/** To whom a call's answer is shown, once it may have it. */
export function audienceOf({ caller }: Pick<Call, "caller">): Audience {
  return caller.token === undefined ? "node" : "granted";
}

/**
 * Whether a caller may read what is held: the node what it has, a service account what the cloud has granted it.
 *
 * @returns false where the cloud must answer the request itself
 */
export async function mayRead({ grants }: HubContext, call: Call): Promise<boolean> {
  if (call.caller.token === undefined) return true;
  const access = accessOf(call);
  return access !== undefined && shares(call) && await grants?.check(call.caller, access) === true;
}

/** The same while the cloud is out of reach: the last grant holds; or does not answer in time: it does so for a time. */
export async function mightRead({ grants }: HubContext, call: Call): Promise<boolean> {
  if (call.caller.token === undefined) return true;
  const access = accessOf(call);
  if (access === undefined || !shares(call) || grants?.holds(call.caller, access) !== true) return false;
  await grants.saved(call.caller, access);
  return grants.holds(call.caller, access);
}
