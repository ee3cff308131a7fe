/** The fault model of the link between hub and cloud: what holds at the moment. */
export interface LinkConditions {
  /** `cut`: connections are refused, open ones are reset. `half-open`: everything is swallowed, and nobody says so. */
  readonly link: "up" | "cut" | "half-open";
  /** One way, for each piece. */
  readonly delayMs: readonly [min: number, max: number];
  /** Each connection is late by up to this much: pieces overtake those of other connections. */
  readonly lagMs: number;
  /** How probably a request's answer is lost, after the server has done what was asked. */
  readonly drop: number;
  /** How probably a whole answer, or a frame of a watch, is cut off in its middle. */
  readonly truncate: number;
  /** How probably an answer is a 5xx or 429 of the server or of a balancer before it. */
  readonly errors: number;
  /** A starting API server: not ready, and everything else answered with this. */
  readonly starting: 401 | 403 | undefined;
  /** An API server that answers every write with 429. */
  readonly busy: boolean;
  /** A portal's page with status 200 in place of every answer, or of every one but /readyz. */
  readonly portal: "all" | "but-readyz" | undefined;
  /** A resumed watch repeats what lies up to this many versions below. */
  readonly repeat: number;
}

export const healthy: LinkConditions = {
  link: "up",
  delayMs: [1, 15],
  lagMs: 0,
  drop: 0,
  truncate: 0,
  errors: 0,
  starting: undefined,
  busy: false,
  portal: undefined,
  repeat: 0,
};
