import { parseListOptions } from "../../src/kube/list_options.ts";
import { parseRequest } from "../../src/kube/request_info.ts";
import type { Exchange } from "../../src/platform/exchange.ts";

/** What a service account may do. */
export interface Rule {
  readonly verbs: readonly string[];
  readonly resource: string;
  /** Missing for all. */
  readonly namespace?: string;
  /** Missing for all. */
  readonly name?: string;
}

/** The authorizer of a test's API server, for who comes with a service account's token; the node may do all but what is said. */
export interface Rbac {
  /** By `NAMESPACE:NAME`. */
  readonly rules: Map<string, readonly Rule[]>;
  /** Resources that the node may not read. */
  readonly nodeRefused: Set<string>;
  /** Reviews that were asked for: who, and the attributes as JSON. */
  readonly reviews: { readonly user: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  /** In place of a review's answer. */
  instead: (() => Response) | undefined;
  intercept(exchange: Exchange): Response | Promise<Response> | undefined;
}

const reviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

export function createRbac(): Rbac {
  const isAllowed = (user: string, asked: { verb: string; resource: string; namespace: string; name: string }) =>
    (self.rules.get(user) ?? []).some(({ verbs, resource, namespace, name }) =>
      verbs.includes(asked.verb) && resource === asked.resource &&
      (namespace === undefined || namespace === asked.namespace) && (name === undefined || name === asked.name)
    );
  const review = async (user: string, exchange: Exchange): Promise<Response> => {
    let text = "";
    for await (const chunk of exchange.body) text += new TextDecoder().decode(chunk);
    const body = JSON.parse(text) as { spec: { resourceAttributes: Record<string, string> } };
    const attributes = body.spec.resourceAttributes;
    self.reviews.push({ user, attributes });
    if (self.instead !== undefined) return self.instead();
    const { verb = "", resource = "", namespace = "", name = "" } = attributes;
    return Response.json({ ...body, status: { allowed: isAllowed(user, { verb, resource, namespace, name }) } }, {
      status: 201,
    });
  };
  const self: Rbac = {
    rules: new Map(),
    nodeRefused: new Set(),
    reviews: [],
    instead: undefined,
    intercept: (exchange) => {
      const user = userOf(exchange.header("authorization"));
      if (user !== undefined && exchange.rawPath === reviewPath) return review(user, exchange);
      const info = parseRequest(exchange.method, exchange.rawPath);
      if (!info.isResource) return undefined;
      if (user === undefined) {
        return self.nodeRefused.has(info.resource) ? refusal("system:node:node-1", info) : undefined;
      }
      const { watch } = parseListOptions(info.query);
      return isAllowed(user, watch ? { ...info, verb: "watch" } : info) ? undefined : refusal(user, info);
    },
  };
  return self;
}

function refusal(user: string, { verb, resource }: { readonly verb: string; readonly resource: string }): Response {
  const message = `${resource} is forbidden: User "${user}" cannot ${verb}, says the cloud`;
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason: "Forbidden" };
  return Response.json({ ...status, code: 403 }, { status: 403 });
}

function userOf(authorization: string | undefined): string | undefined {
  const payload = authorization?.split(".")[1];
  if (payload === undefined) return undefined;
  const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as { readonly sub: string };
  return claims.sub.replace("system:serviceaccount:", "");
}
