/** A bootstrap token (Kubernetes, "Authenticating with Bootstrap Tokens"). */
export interface JoinToken {
  /** Public: names the Secret and the signature. */
  readonly id: string;
  readonly secret: string;
}

/** @returns nothing where it is no `[a-z0-9]{6}.[a-z0-9]{16}` */
export function parseJoinToken(text: string): JoinToken | undefined {
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}
