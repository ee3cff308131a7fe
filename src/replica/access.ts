import { type Query, queryKey } from "../kube/resources.ts";
import { StatusError } from "../kube/status.ts";

/** What a caller asks to read, as far as the cloud decides on it. */
export interface Access {
  readonly verb: "get" | "list" | "watch";
  /** Of a get without selectors. */
  readonly query: Query;
  /** As RequestInfo derives it, which gives a Namespace its own name; empty for none. */
  readonly namespace: string;
  /** As RequestInfo derives it; empty for none. */
  readonly name: string;
}

/** A text that is the same for the same access and for no other. */
export function accessKey({ verb, query, namespace, name }: Access): string {
  return [verb, queryKey(query), encodeURIComponent(namespace), encodeURIComponent(name)].join("|");
}

/** The `spec` of a SelfSubjectAccessReview that asks for it (authorization.k8s.io/v1). */
export function reviewSpec({ verb, query, namespace, name }: Access): object {
  const { group, version, resource, labelSelector, fieldSelector } = query;
  return {
    resourceAttributes: {
      verb,
      group,
      version,
      resource,
      ...(namespace === "" ? {} : { namespace }),
      ...(name === "" ? {} : { name }),
      ...(labelSelector === "" ? {} : { labelSelector: { rawSelector: labelSelector } }),
      ...(fieldSelector === "" ? {} : { fieldSelector: { rawSelector: fieldSelector } }),
    },
  };
}

/** The 403 of the API server for it (apiserver endpoints/handlers/responsewriters/errors.go). */
export function accessForbidden({ verb, query, namespace, name }: Access, user: string): StatusError {
  const { group, resource } = query;
  const what = `${resource}${group === "" ? "" : `.${group}`}${name === "" ? "" : ` "${name}"`}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const message =
    `${what} is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${group}" ${where}`;
  const details = { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), kind: resource };
  return new StatusError({ code: 403, reason: "Forbidden", message, details });
}
