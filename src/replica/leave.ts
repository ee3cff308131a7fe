import type { StatusError } from "../kube/status.ts";

/** By whose leave a collection is held, and whether anybody keeps it up to date (design, section 4: grants and sponsors). */
export class Leave {
  readonly #changed: () => void;
  #callersOnly = false;
  #nodeRefusal: StatusError | undefined;
  #isUncarried = false;

  /** @param changed called after every change that has to outlive the hub */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Whether the cloud has given it to service accounts alone: it is nothing to the node then. */
  get callersOnly(): boolean {
    return this.#callersOnly;
  }
  /** With which the cloud ended what it had granted the node, where service accounts read on. */
  get nodeRefusal(): StatusError | undefined {
    return this.#nodeRefusal;
  }
  /** Whether no credential is left that the cloud takes for it: who has a fresh one has to come with it. */
  get isUncarried(): boolean {
    return this.#isUncarried;
  }

  /** The cloud has given it to the node itself. */
  grantNode(): void {
    this.#nodeRefusal = undefined;
    this.#enter(false);
  }

  /** The cloud gives it to service accounts alone: it has never given it to the node, or does not any more. */
  leaveToCallers(refusal?: StatusError): void {
    this.#nodeRefusal = refusal;
    this.#enter(true);
  }

  carried(isCarried: boolean): void {
    this.#isUncarried = !isCarried;
  }

  /** Takes back what the store held, at start. */
  restore(callersOnly: boolean): void {
    this.#callersOnly = callersOnly;
  }

  #enter(callersOnly: boolean): void {
    if (callersOnly === this.#callersOnly) return;
    this.#callersOnly = callersOnly;
    this.#changed();
  }
}
