/** One line of `/readyz?verbose`. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly why: string;
  /** Told, but the hub serves all the same. */
  readonly informational?: boolean;
}
