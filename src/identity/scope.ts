/**
 * The verified identity for which something is asked and answered (design, section 4). Collections of built-in groups
 * are shared by all scopes that the cloud lets ask their query; those of every other group are keyed by scope.
 */
export interface Scope {
  /** Stands in keys of collections. */
  readonly id: string;
}

/** This node itself: what comes over the plain port without a credential of its own, or with the node's certificate. */
export const nodeScope: Scope = { id: "node" };

export function isNode({ id }: Scope): boolean {
  return id === nodeScope.id;
}
