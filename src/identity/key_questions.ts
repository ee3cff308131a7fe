import type { Clock } from "../platform/clock.ts";
import { bound } from "./bound.ts";
import type { ToldKeys } from "./token_keys.ts";

/** What an API server said when its keys were asked for with a token. */
export type KeyAnswer = { readonly keys: ToldKeys } | "unauthorized" | "unknown";

export interface KeyQuestionsOptions {
  readonly clock: Clock;
  /** Asks the cloud for its keys with that token. Never rejects. */
  readonly ask: (token: string) => Promise<KeyAnswer>;
  /** The cloud has taken the token. */
  readonly taken: (token: string, keys: ToldKeys) => Promise<void>;
  /** Whether the token needs no question any more. Rejects where it is bad. */
  readonly isSettled: (token: string) => Promise<boolean>;
  /** Verified tokens that the cloud should take, in the order in which they are tried. */
  readonly credentials: () => Iterable<string>;
  /** One of those the cloud has refused. */
  readonly refused: (token: string) => void;
  /** Whether the cluster's keys are known, be they old. */
  readonly hasKeys: () => boolean;
}

/** A token that the cloud has refused it is not asked about again so soon, nor with another of the same client. */
const refusedMs = 10_000;
const maxRefused = 1_000;
/** A cloud that did not answer is not asked again so soon, nor one that has refused a token, while its keys are known. */
const silentMs = 1_000;
/** Tokens that wait for the cloud to be asked, and of one client. */
const maxAsking = 32;
const maxAskingOfClient = 4;

interface Waiting {
  readonly client: string | undefined;
  readonly asked: Promise<boolean>;
}

/**
 * When the cloud is asked for its keys, and with which token: who makes up tokens must not fill a thin link, nor keep the hub
 * from the answer.
 */
export class KeyQuestions {
  readonly #options: KeyQuestionsOptions;
  /** Until when a token, or a client, is not asked for again. Monotonic milliseconds. */
  readonly #refused = new Map<string, number>();
  readonly #refusedClients = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting>();
  #asking: Promise<unknown> = Promise.resolve();
  /** Until then it is not asked with a token that nothing is known of. */
  #silentUntil = 0;
  #verified: Promise<boolean> | undefined;
  #verifiedUntil = 0;

  constructor(options: KeyQuestionsOptions) {
    this.#options = options;
  }

  /**
   * Asks with a token that is verified, about once a second at most; in between the last answer stands.
   *
   * @returns whether there was one to ask with, which the cloud did not refuse
   */
  askWithVerified(): Promise<boolean> {
    if (this.#verified !== undefined && this.#options.clock.monotonic() < this.#verifiedUntil) return this.#verified;
    const credential = this.#credential();
    if (credential === undefined) return Promise.resolve(false);
    this.#verifiedUntil = Infinity;
    this.#verified = this.#askVerified(credential).finally(() => {
      this.#verifiedUntil = this.#options.clock.monotonic() + silentMs;
    });
    return this.#verified;
  }

  /** Asks with the token itself, one after the other. @returns whether the cloud took it, and it has become known */
  askWith(token: string, client: string | undefined): Promise<boolean> {
    const joined = this.#waiting.get(token);
    if (joined !== undefined) return joined.asked;
    if (this.#waiting.size >= maxAsking || this.#waitingOf(client) >= maxAskingOfClient) return Promise.resolve(false);
    const asked = this.#asking.then(() => this.#ask(token, client)).finally(() => this.#waiting.delete(token));
    this.#waiting.set(token, { client, asked });
    this.#asking = asked.catch(() => undefined);
    return asked;
  }

  #waitingOf(client: string | undefined): number {
    if (client === undefined) return 0;
    return [...this.#waiting.values()].filter((one) => one.client === client).length;
  }

  #credential(): string | undefined {
    const now = this.#options.clock.monotonic();
    for (const token of this.#options.credentials()) {
      if (now >= (this.#refused.get(token) ?? 0)) return token;
    }
    return undefined;
  }

  async #askVerified(token: string): Promise<boolean> {
    const { ask, taken, refused } = this.#options;
    const answer = await ask(token);
    if (answer === "unauthorized") {
      this.#refuse(token);
      refused(token);
      return false;
    }
    if (answer !== "unknown") await taken(token, answer.keys);
    return true;
  }

  async #ask(token: string, client: string | undefined): Promise<boolean> {
    const { ask, taken, isSettled, clock } = this.#options;
    if (await isSettled(token)) return true; // by what another was told meanwhile
    const now = clock.monotonic();
    const heldUntil = Math.max(this.#refused.get(token) ?? 0, this.#refusedClients.get(client ?? "") ?? 0);
    if (now < this.#silentUntil || now < heldUntil) return false;
    const answer = await ask(token);
    if (answer === "unknown") {
      this.#silentUntil = clock.monotonic() + silentMs;
      return false;
    }
    if (answer !== "unauthorized") {
      await taken(token, answer.keys);
      if (await isSettled(token)) return true;
    }
    // Refused, or taken for what the hub cannot know: the answer would be the same.
    this.#refuse(token);
    this.#silence(client);
    return false;
  }

  #refuse(token: string): void {
    bound(this.#refused, maxRefused);
    this.#refused.set(token, this.#options.clock.monotonic() + refusedMs);
  }

  /** The client's own time is the longer one: at the end of everybody's another one is heard. */
  #silence(client: string | undefined): void {
    const { clock, hasKeys } = this.#options;
    const now = clock.monotonic();
    if (hasKeys()) this.#silentUntil = now + silentMs;
    if (client === undefined) return;
    bound(this.#refusedClients, maxRefused);
    this.#refusedClients.set(client, now + (hasKeys() ? refusedMs : silentMs));
  }
}
