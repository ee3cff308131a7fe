import { conflict, StatusError } from "../kube/status.ts";
import { qualifiedResource, type ResourceType } from "./resource_type.ts";

/** 404 for a path that no resource has. */
export function pathNotFound(): StatusError {
  const message = "the server could not find the requested resource";
  return new StatusError({ code: 404, reason: "NotFound", message, details: {} });
}

/** 405. */
export function verbNotAllowed(): StatusError {
  const message = "the server does not allow this method on the requested resource";
  return new StatusError({ code: 405, reason: "MethodNotAllowed", message, details: {} });
}

/** 409: a precondition of the write does not hold. */
export function writeConflict(
  type: ResourceType,
  options: { readonly name: string; readonly why: string },
): StatusError {
  return conflict(`Operation cannot be fulfilled on ${qualifiedResource(type)} "${options.name}": ${options.why}`);
}

/** 409: the uid sent is not the object's. */
export function uidConflict(
  type: ResourceType,
  options: { readonly name: string; readonly sent: string; readonly held: string },
): StatusError {
  const why = `Precondition failed: UID in precondition: ${options.sent}, UID in object meta: ${options.held}`;
  return writeConflict(type, { name: options.name, why });
}
