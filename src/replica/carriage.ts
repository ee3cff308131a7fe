import { StatusError } from "../kube/status.ts";
import type { Clock } from "../platform/clock.ts";
import { type Carrier, type Carriers, nodeCarrier } from "./carriers.ts";
import type { Collection } from "./collection.ts";
import { isOfCredential, retryAfterMs } from "./reflector_failure.ts";
import type { Refusal } from "./refusal.ts";

/** How a reflector goes on after a round: at once, never, or after a while. */
export type Outcome = "again" | "over" | { readonly atLeastMs: number };

/** Nobody is left in whose name the cloud could be asked, or not now. */
export class Uncarried extends Error {}

export interface CarriageOptions {
  readonly collection: Collection;
  readonly carriers: Carriers;
  readonly clock: Clock;
  /** Of what the node is granted. */
  readonly refusal: Refusal;
}

/** In whose name one reflector asks the cloud, round by round, and what becomes of its collection where that is refused. */
export class Carriage {
  readonly #options: CarriageOptions;
  #carrier: Carrier = nodeCarrier;
  #isLeft = false;
  /** A fresh credential would help. */
  #waitsForOffer = false;
  #waited = false;

  constructor(options: CarriageOptions) {
    this.#options = options;
  }

  get carrier(): Carrier {
    return this.#carrier;
  }
  /** Whether the round ended because who carried it could not go on: the next takes over at once. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** Picks who carries the next round. @throws Uncarried */
  begin(): void {
    this.#isLeft = false;
    this.#waitsForOffer = false;
    const carrier = this.#picked();
    if (typeof carrier !== "object") throw new Uncarried();
    if (carrier.token !== undefined) this.#waited = false;
    this.#carrier = carrier;
    this.#options.collection.leave.carried(true);
  }

  /** Calls back once who carries the round cannot go on. @returns how to stop that */
  hold(gone: () => void): () => void {
    const { collection, carriers } = this.#options;
    return carriers.hold(collection.key, this.#carrier, () => {
      this.#isLeft = true;
      gone();
    });
  }

  /** Waits that long, or until somebody comes with a credential where none was left. */
  async wait(waitMs: number, signal: AbortSignal): Promise<void> {
    const { clock, carriers, collection } = this.#options;
    this.#waited = true;
    if (this.#waitsForOffer) await carriers.offered(collection.key, waitMs, signal);
    else await clock.sleep(waitMs, signal).catch(() => undefined);
  }

  /** The cloud gave what was asked for. */
  granted(): void {
    const { collection, carriers, refusal } = this.#options;
    carriers.accepted(collection.key, this.#carrier);
    if (this.#carrier.token !== undefined) return;
    refusal.granted();
    collection.leave.grantNode();
  }

  /** A state has come: a first one, or one after a refusal, is whose it was given. */
  given(): void {
    const { synced, state, leave } = this.#options.collection;
    if (this.#carrier.token === undefined) leave.grantNode();
    else if (!synced || state === "refused") leave.leaveToCallers();
  }

  /** A round has failed. What the cloud refused in one name is asked in the next (R16). */
  async failed(error: unknown): Promise<Outcome> {
    const { collection, refusal } = this.#options;
    if (this.#carrier.token !== undefined && isOfCredential(error)) return this.#sponsorRefused(error);
    const ends = await refusal.ends(error);
    if (isOfCredential(error) && (ends || error.code === 401) && this.#nodeRefused(error, ends)) return "again";
    if (!ends || !(error instanceof StatusError)) return { atLeastMs: retryAfterMs(error) };
    if (collection.synced && collection.leave.callersOnly && isOfCredential(error)) return this.uncarried();
    collection.enter("refused", error);
    return "over";
  }

  /** There was nobody to ask in the name of. Whose watch goes on by a token comes back with a fresh one, and may carry it. */
  uncarried(): Outcome {
    this.#waitsForOffer = true;
    const next = this.#picked();
    if (next !== undefined) return typeof next === "object" ? "again" : { atLeastMs: 0 };
    this.#leaveUncarried();
    return "over";
  }

  /** A 401 never ends what the node was granted, whoever carries it meanwhile. @returns whether a sponsor takes over */
  #nodeRefused(error: StatusError, ends: boolean): boolean {
    const { collection: { key, leave, synced }, carriers, refusal } = this.#options;
    carriers.refused(key, this.#carrier, error.code);
    if (!carriers.hasSponsor(key)) {
      if (!ends) this.#leaveUncarried();
      return false;
    }
    if (!ends) return true;
    refusal.ended();
    leave.leaveToCallers(synced && !leave.callersOnly ? error : leave.nodeRefusal);
    return true;
  }

  /** A query of which nothing was ever given ends with the last one's refusal (R1). */
  #sponsorRefused(error: StatusError): Outcome {
    const { collection, carriers } = this.#options;
    carriers.refused(collection.key, this.#carrier, error.code);
    if (typeof this.#picked() === "object") return "again";
    if (collection.synced) return this.uncarried();
    collection.enter("refused", error);
    return "over";
  }

  #picked(): Carrier | "later" | undefined {
    const { collection: { key, leave }, carriers } = this.#options;
    return carriers.pick(key, { isNodes: !leave.callersOnly, waited: this.#waited });
  }

  #leaveUncarried(): void {
    this.#waitsForOffer = true;
    this.#options.collection.leave.carried(false);
    this.#options.collection.wake();
  }
}
