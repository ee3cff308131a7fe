/** One line of `/readyz?verbose`. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What is not well; empty where it is ok. */
  readonly why: string;
  /** Told, but the hub serves all the same. */
  readonly informational?: boolean;
}

/** A check without which the hub does not serve. @param problem what is not well; nothing where all is */
export function neededCheck(name: string, problem: string | undefined): Check {
  return { name, ok: problem === undefined, why: problem ?? "" };
}

/** One without which it serves all the same. @param problem what is not well; nothing where all is */
export function informationalCheck(name: string, problem: string | undefined): Check {
  return { ...neededCheck(name, problem), informational: true };
}
