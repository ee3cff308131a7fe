import { nodeScope, type Scope } from "./scope.ts";
import type { ServiceAccountToken } from "./service_account_token.ts";

/** Who asks, as far as the hub itself has verified it (design, section 5). */
export interface Caller {
  readonly scope: Scope;
  /** With which its requests travel; missing for the node, whose credential the hub puts in. */
  readonly token?: ServiceAccountToken;
}

/** The node itself. */
export const nodeCaller: Caller = { scope: nodeScope };

/** A service account, of one life: what another of its name was granted is none of its own. */
export function serviceAccountCaller(token: ServiceAccountToken): Caller {
  const { namespace, serviceAccount } = token;
  return { scope: { id: `sa:${namespace}:${serviceAccount.name}:${serviceAccount.uid}` }, token };
}

/** Whether the node's own work hangs on it: the node itself, and the service accounts of `kube-system` (R15). */
export function isSystem({ token }: Caller): boolean {
  return token === undefined || token.namespace === "kube-system";
}
