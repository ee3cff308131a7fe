import type { Clock } from "../../src/platform/clock.ts";
import type { Dice } from "./dice.ts";
import type { LocalAnswer, LocalClient } from "./local_client.ts";
import { keyOf, pathOf, queryPathOf, type SimQuery, type SimResource, type SimState } from "./sim_objects.ts";

export interface PlainReaderOptions {
  readonly client: LocalClient;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly queries: readonly SimQuery[];
  /** Names that may or may not be there. */
  readonly names: readonly ObjectName[];
}

export interface ObjectName {
  readonly resource: SimResource;
  readonly namespace: string;
  readonly name: string;
}

/** Lists and gets now and then, as kubectl and controllers without an informer do. */
export class PlainReader {
  readonly #options: PlainReaderOptions;
  readonly #closed = new AbortController();

  constructor(options: PlainReaderOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { clock, dice, queries, names } = this.#options;
    const signal = this.#closed.signal;
    while (!signal.aborted) {
      await clock.sleep(dice.between(1_000, 28_000), signal).catch(() => undefined);
      if (signal.aborted) return;
      const way = dice.int(0, 5);
      if (way === 0) await this.list(dice.pick(queries), "0");
      else if (way <= 2) await this.list(dice.pick(queries), "");
      else if (way === 3) await this.listInPages(dice.pick(queries));
      else await this.get(dice.pick(names), way === 4 ? "" : "0");
    }
  }

  close(): void {
    this.#closed.abort(new Error("The reader is closed"));
  }

  /** @param version "0" for any, empty for the newest */
  async list(query: SimQuery, version: string): Promise<LocalAnswer> {
    const { client } = this.#options;
    const rawPath = queryPathOf(query, version === "" ? {} : { resourceVersion: version });
    const answer = await client.ask({ method: "GET", rawPath });
    const where = `list: ${rawPath}`;
    if (answer.status === 404) client.oracle.fail("R16", `${where}: 404 for a collection`);
    if (!answer.complete || answer.status !== 200) return answer;
    const list = client.readList(query, answer, where);
    if (list !== undefined) client.checkList(list, { query, answer, fromEpoch: 0, where });
    return answer;
  }

  /** Lists in pages of two; pages that come from different lists are a violation. */
  async listInPages(query: SimQuery): Promise<void> {
    const { client } = this.#options;
    const states = new Map<string, SimState>();
    let first: { readonly revision: number; readonly answer: LocalAnswer } | undefined;
    let token = "";
    do {
      const rawPath = queryPathOf(query, { limit: "2", ...(token === "" ? {} : { continue: token }) });
      const answer = await client.ask({ method: "GET", rawPath });
      if (!answer.complete || answer.status !== 200) return;
      // All pages are of the time of the first.
      const { sequence } = first?.answer ?? answer;
      const list = client.readList(query, { ...answer, sequence }, `pages: ${rawPath}`);
      if (list === undefined) return;
      first ??= { revision: list.revision, answer };
      for (const [key, state] of list.states) states.set(key, state);
      token = list.continue;
    } while (token !== "");
    const { revision, answer } = first;
    client.checkList({ revision, states, continue: "" }, {
      query,
      answer,
      fromEpoch: 0,
      where: `pages: ${queryPathOf(query)}`,
    });
  }

  async get(named: ObjectName, version: string): Promise<LocalAnswer> {
    const { client } = this.#options;
    const asked = version === "" ? "" : `?resourceVersion=${version}`;
    const rawPath = `${pathOf(named.resource, named.namespace)}/${named.name}${asked}`;
    const answer = await client.ask({ method: "GET", rawPath });
    const request = { sequence: answer.sequence, where: `get: ${rawPath}`, stale: answer.stale };
    const key = keyOf(named);
    if (answer.status === 404) {
      client.oracle.checkMissing(key, request.where);
      client.oracle.checkNotBehind(key, undefined, request);
    }
    if (!answer.complete || answer.status !== 200) return answer;
    const state = client.oracle.recognise(answer.body, request.where);
    if (state === undefined) return answer;
    if (state.key !== key) client.oracle.fail("state", `${request.where}: got ${state.key}`);
    client.oracle.checkNotBehind(key, state, request);
    client.oracle.truth.checkShown(state, { ...request, object: answer.body });
    client.oracle.show(state);
    return answer;
  }
}
