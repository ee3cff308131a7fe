import { z } from "zod";
import { type JsonAnswer, type JsonApi, messageOf } from "../identity/json_api.ts";
import { IdentityError } from "../identity/identity_error.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";

/** The Lease, and how long it lasts. */
export interface LeaderSettings {
  readonly namespace: string;
  readonly name: string;
  /** Of this process, and of no other. */
  readonly identity: string;
  /** How long others wait after a renewal before they take over. */
  readonly leaseDurationMs: number;
  /** How long the leader goes on without a renewal: less than that. */
  readonly renewDeadlineMs: number;
  /** Between two tries. */
  readonly retryPeriodMs: number;
}

export interface LeaderElectionOptions extends LeaderSettings {
  readonly api: JsonApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends it; a Lease that is held is given back. */
  readonly signal: AbortSignal;
}

const leaseSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  spec: z.looseObject({
    holderIdentity: z.string().optional(),
    leaseDurationSeconds: z.number().optional(),
    leaseTransitions: z.number().optional(),
    acquireTime: z.string().nullish(),
    renewTime: z.string().nullish(),
  }),
});
type Lease = z.infer<typeof leaseSchema>;

/** Waiting times are drawn from one to this many times the period, so that candidates do not ask together. */
const jitter = 1.2;
/** Giving the Lease back must not hold up the end of the process. */
const releaseLimitMs = 2_000;

/**
 * Lets one of several processes work at a time, by a Lease (coordination.k8s.io/v1), as client-go's leader election does.
 * Who holds it works; where it cannot be renewed in time the work is ended before others may begin, and it is tried for
 * again. Clocks of other machines do not count: a Lease runs from when it was seen to change.
 *
 * @param work ends, rejecting, where the signal that it is given is aborted
 * @returns once the signal of the options was aborted; rejects where the work does
 */
export async function leadWhileElected(
  options: LeaderElectionOptions,
  work: (signal: AbortSignal) => Promise<never>,
): Promise<void> {
  const { signal, logger, identity, name } = options;
  const candidate = new Candidate(options);
  while (!signal.aborted) {
    try {
      await candidate.acquire();
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    logger.log("info", "This process leads", { lease: name, identity });
    await lead(candidate, options, work);
  }
}

async function lead(
  candidate: Candidate,
  { signal, logger, name }: LeaderElectionOptions,
  work: (signal: AbortSignal) => Promise<never>,
): Promise<void> {
  const ending = new AbortController();
  const abort = (): void => ending.abort(signal.reason);
  signal.addEventListener("abort", abort);
  // Where the work fails nothing is to be renewed any more.
  const ended = work(ending.signal).catch((error: unknown) => {
    const failure = ending.signal.aborted ? undefined : { error };
    ending.abort(new Error("The work has ended"));
    return failure;
  });
  const isLost = await candidate.renew(ending.signal).then(() => true, (error: unknown) => {
    if (ending.signal.aborted) return false;
    throw error;
  });
  if (isLost) {
    logger.log("warn", "This process does not lead any more: its Lease could not be renewed in time", { lease: name });
    ending.abort(new Error("The Lease is lost"));
  }
  const failure = await ended;
  signal.removeEventListener("abort", abort);
  if (!isLost) await candidate.release();
  if (failure !== undefined) throw failure.error;
}

/** One process that wants the Lease, or holds it. */
class Candidate {
  readonly #options: LeaderElectionOptions;
  readonly #path: string;
  #seen: Lease | undefined;
  /** Monotonic milliseconds: when `#seen` was seen to have changed. */
  #seenAt = 0;
  #renewedAt = 0;
  #told = "";

  constructor(options: LeaderElectionOptions) {
    const { namespace } = options;
    this.#options = options;
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  }

  /** Resolves once it holds the Lease. */
  async acquire(): Promise<void> {
    const { clock, random, retryPeriodMs, signal } = this.#options;
    while (!await this.#try(signal)) {
      await clock.sleep(retryPeriodMs * (1 + random.float() * (jitter - 1)), signal);
    }
  }

  /** Resolves once it holds it no more. @throws the signal's reason */
  async renew(signal: AbortSignal): Promise<void> {
    const { clock, retryPeriodMs, renewDeadlineMs } = this.#options;
    for (;;) {
      await clock.sleep(retryPeriodMs, signal);
      const leftMs = this.#renewedAt + renewDeadlineMs - clock.monotonic();
      if (leftMs <= 0) return;
      const limit = new AbortController();
      const abort = (): void => limit.abort(signal.reason);
      signal.addEventListener("abort", abort);
      const timer = clock.setTimer(leftMs, () => limit.abort(new Error("The renewal took too long")));
      try {
        const held = await this.#try(limit.signal);
        if (!held && this.#seen?.spec.holderIdentity !== this.#options.identity) return;
      } catch (error) {
        signal.throwIfAborted();
        if (!limit.signal.aborted) throw error;
        return;
      } finally {
        timer.cancel();
        signal.removeEventListener("abort", abort);
      }
    }
  }

  /** Others need not wait until it runs out. What goes wrong is of no consequence: it runs out. */
  async release(): Promise<void> {
    const { clock, logger, identity } = this.#options;
    const seen = this.#seen;
    if (seen?.spec.holderIdentity !== identity) return;
    const limit = new AbortController();
    const timer = clock.setTimer(releaseLimitMs, () => limit.abort(new Error("The Lease was not given back in time")));
    try {
      const spec = { ...seen.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: this.#now() };
      await this.#put({ ...seen, spec }, limit.signal);
    } catch (error) {
      logger.log("warn", "The Lease is not given back, and will run out", { reason: String(error) });
    } finally {
      timer.cancel();
    }
  }

  /** @returns whether it holds the Lease now */
  async #try(signal: AbortSignal): Promise<boolean> {
    const { api, clock, logger, name } = this.#options;
    const startedAt = clock.monotonic();
    try {
      const answer = await api({ method: "GET", path: `${this.#path}/${name}`, signal });
      if (answer.status === 404) return this.#took(await this.#create(signal), startedAt);
      const lease = leaseOf(answer);
      this.#observe(lease);
      if (!this.#isFree(lease)) return false;
      return this.#took(await this.#put({ ...lease, spec: this.#heldSpec(lease.spec) }, signal), startedAt);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof IdentityError)) throw error;
      if (error.message !== this.#told) logger.log("warn", "The Lease cannot be had", { reason: error.message });
      this.#told = error.message;
      return false;
    }
  }

  #observe(lease: Lease): void {
    if (lease.metadata.resourceVersion === this.#seen?.metadata.resourceVersion) return;
    this.#seen = lease;
    this.#seenAt = this.#options.clock.monotonic();
  }

  #isFree({ spec: { holderIdentity = "", leaseDurationSeconds } }: Lease): boolean {
    const { clock, identity, leaseDurationMs } = this.#options;
    if (holderIdentity === "" || holderIdentity === identity) return true;
    const runsMs = leaseDurationSeconds === undefined ? leaseDurationMs : leaseDurationSeconds * 1_000;
    return this.#seenAt + runsMs <= clock.monotonic();
  }

  #took(answer: JsonAnswer, startedAt: number): boolean {
    if (answer.status === 409) return false; // another was faster
    this.#observe(leaseOf(answer));
    // From before it was sent: the others' time begins after that.
    this.#renewedAt = startedAt;
    this.#told = "";
    return true;
  }

  #heldSpec(before: Lease["spec"] | undefined): Lease["spec"] {
    const { identity, leaseDurationMs } = this.#options;
    const now = this.#now();
    const isRenewal = before?.holderIdentity === identity;
    return {
      ...before,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1_000),
      acquireTime: isRenewal ? before.acquireTime : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (isRenewal || before === undefined ? 0 : 1),
    };
  }

  #create(signal: AbortSignal): Promise<JsonAnswer> {
    const { api, namespace, name } = this.#options;
    const body = { ...leaseKind, metadata: { namespace, name }, spec: this.#heldSpec(undefined) };
    return api({ method: "POST", path: this.#path, body, signal });
  }

  #put(lease: Lease, signal: AbortSignal): Promise<JsonAnswer> {
    const { api, name } = this.#options;
    return api({ method: "PUT", path: `${this.#path}/${name}`, body: { ...lease, ...leaseKind }, signal });
  }

  /** MicroTime. */
  #now(): string {
    return new Date(this.#options.clock.now()).toISOString().replace("Z", "000Z");
  }
}

const leaseKind = { apiVersion: "coordination.k8s.io/v1", kind: "Lease" } as const;

/** @throws IdentityError where the answer is none */
function leaseOf(answer: JsonAnswer): Lease {
  const lease = leaseSchema.safeParse(answer.object).data;
  if ((answer.status === 200 || answer.status === 201) && lease !== undefined) return lease;
  throw new IdentityError(`The API server answered ${messageOf(answer)}`, { retryable: true });
}
