import type { Clock } from "../../src/platform/clock.ts";
import type { LocalExchange, LocalRequest } from "./local_exchange.ts";
import { type Oracle } from "./oracle.ts";
import type { SimHost } from "./sim_host.ts";
import type { SimNetwork } from "./sim_network.ts";
import { listText, memberAt, type SimQuery, type SimState } from "./sim_objects.ts";

/** An answer, whole or broken off. */
export interface LocalAnswer {
  /** 0 where there was no connection. */
  readonly status: number;
  /** As `X-Holdfast-Source` says. */
  readonly source: string;
  /** Whether it carried an `Age`. */
  readonly stale: boolean;
  readonly complete: boolean;
  readonly text: string;
  /** Parsed JSON; nothing where it is none or not whole. */
  readonly body: unknown;
  /** The number of what had been shown when it was asked. */
  readonly sequence: number;
}

/** A list that was found to be the cloud's. */
export interface ReadList {
  readonly revision: number;
  readonly states: ReadonlyMap<string, SimState>;
  readonly epoch: number;
  readonly continue: string;
}

/** One frame of a watch, parsed. */
export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
  /** The state that it shows to the byte, where it does. */
  readonly state: SimState | undefined;
}

export interface WatchHandlers {
  readonly head: (answer: Pick<LocalAnswer, "status" | "stale" | "source">) => void;
  readonly event: (event: WatchEvent) => void;
  readonly end: (complete: boolean) => void;
}

export interface LocalClientOptions {
  readonly host: SimHost;
  readonly network: SimNetwork;
  readonly oracle: Oracle;
  readonly clock: Clock;
  readonly trace: (line: () => string) => void;
}

/** A client gives up on an answer after this. */
const timeoutMs = 35_000;

/** A client on the node: asks the hub and checks every answer on its own. */
export class LocalClient {
  readonly #options: LocalClientOptions;

  constructor(options: LocalClientOptions) {
    this.#options = options;
  }

  get oracle(): Oracle {
    return this.#options.oracle;
  }

  trace(line: () => string): void {
    this.#options.trace(line);
  }

  /** Asks and waits for the whole answer. */
  ask(request: LocalRequest): Promise<LocalAnswer> {
    const { host, oracle, clock, trace } = this.#options;
    const sequence = oracle.sequence;
    return new Promise((resolve) => {
      let head = { status: 0, stale: false, source: "" };
      const decoder = new TextDecoder();
      let text = "";
      const exchange = host.send(request, {
        head: (status, rawHeaders) => head = readHead(status, rawHeaders),
        chunk: (bytes) => text += decoder.decode(bytes, { stream: true }),
        end: (complete) => {
          timer.cancel();
          const whole = complete && head.status !== 0;
          const answer = { ...head, complete: whole, sequence, text, body: whole ? parse(text) : undefined };
          this.#checkStatus(request, answer);
          trace(() =>
            `${request.method} ${request.rawPath} ${request.body ?? ""} -> ${head.status} ${head.source}${
              head.stale ? " stale" : ""
            }${complete ? "" : " broken"} ${text.slice(0, 200).trimEnd()}`
          );
          resolve(answer);
        },
      });
      const timer = clock.setTimer(timeoutMs, () => exchange.leave());
    });
  }

  /** Opens a watch. */
  watch(rawPath: string, handlers: WatchHandlers): LocalExchange {
    const { host, oracle, trace } = this.#options;
    const decoder = new TextDecoder();
    let rest = "";
    let status = 0;
    let source = "";
    return host.send({ method: "GET", rawPath }, {
      head: (code, rawHeaders) => {
        const head = readHead(code, rawHeaders);
        status = code;
        source = head.source;
        handlers.head(head);
      },
      chunk: (bytes) => {
        if (status !== 200) return;
        const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          trace(() => `  ${rawPath} ${line.slice(0, 300)}`);
          const event = this.#readEvent(line);
          if (event !== undefined) handlers.event(event);
          else oracle.fail("R17", `${rawPath}: no event: ${line}`);
        }
      },
      end: (complete) => {
        // The cloud's own stream passes as it is, its end too.
        if (complete && rest !== "" && source !== "cloud") {
          oracle.fail("R17", `${rawPath}: a watch ended within an event: ${rest}`);
        }
        trace(() => `  ${rawPath} ended${complete ? "" : ", broken"}`);
        handlers.end(complete);
      },
    });
  }

  /** Reads a LIST answer of status 200 and checks it; a page of several is not checked as a whole here. */
  readList(query: SimQuery, answer: LocalAnswer, where: string): Omit<ReadList, "epoch"> | undefined {
    const items = memberAt(answer.body, ["items"]);
    const revision = Number(memberAt(answer.body, ["metadata", "resourceVersion"]));
    const token = memberAt(answer.body, ["metadata", "continue"]);
    if (!Array.isArray(items) || memberAt(answer.body, ["kind"]) !== `${query.resource.kind}List`) {
      this.oracle.fail("R17", `${where}: no ${query.resource.kind}List: ${JSON.stringify(answer.body)?.slice(0, 200)}`);
      return undefined;
    }
    const states = new Map<string, SimState>();
    const next = typeof token === "string" ? token : "";
    for (const [at, state] of this.#itemsOf(query, { ...answer, items, revision, next }, where).entries()) {
      if (state === undefined) return undefined;
      this.oracle.truth.checkShown(state, { object: items[at], sequence: answer.sequence, where });
      if (states.has(state.key)) this.oracle.fail("state", `${where}: ${state.key} twice`);
      states.set(state.key, state);
    }
    return { revision, states, continue: next };
  }

  /** Most lists are, byte for byte, what the API server would write of the states that they name. */
  #itemsOf(
    query: SimQuery,
    { text, items, revision, next }: ListParts,
    where: string,
  ): readonly (SimState | undefined)[] {
    const named = items.map((item) => this.oracle.stateOf(item));
    const states = named.filter((state) => state !== undefined);
    if (states.length === named.length && listText(query.resource, { at: revision, next, items: states }) === text) {
      return states;
    }
    return items.map((item) => this.oracle.recognise(item, where));
  }

  #readEvent(line: string): WatchEvent | undefined {
    const type = /^\{"type":"([A-Z]+)","object":/.exec(line);
    const state = type === null ? undefined : this.oracle.known(line.slice(type[0].length, -1));
    if (type?.[1] !== undefined && state !== undefined) return { type: type[1], object: undefined, state };
    const event = parse(line);
    const [told, object] = [memberAt(event, ["type"]), memberAt(event, ["object"])];
    return typeof told === "string" ? { type: told, object, state: undefined } : undefined;
  }

  /** Checks a whole list against all that is known. @returns the epoch that it shows */
  checkList(list: Omit<ReadList, "epoch">, request: {
    readonly query: SimQuery;
    readonly answer: LocalAnswer;
    readonly fromEpoch: number;
    readonly where: string;
  }): number {
    const { query, answer, fromEpoch, where } = request;
    const checked = { query, revision: list.revision, states: list.states, stale: answer.stale, fromEpoch };
    const epoch = this.oracle.checkState(checked, where);
    this.oracle.checkNoneBehind(checked, { sequence: answer.sequence, where, stale: answer.stale });
    const askedAtMs = this.#options.clock.monotonic() - timeoutMs;
    if (!answer.stale) this.oracle.checkLive({ query, revision: list.revision, askedAtMs }, where);
    const selected = query.label !== undefined;
    for (const state of list.states.values()) this.oracle.show(state, { selected });
    return epoch;
  }

  /** What is no success must be the cloud's own word, or one of the hub's refusals. */
  #checkStatus({ method, rawPath }: LocalRequest, { status, source, body, complete }: LocalAnswer): void {
    const { oracle, network } = this.#options;
    const where = `${method} ${rawPath}`;
    if (source === "cloud" && !network.gave(method, rawPath, status)) {
      oracle.fail("invented", `${where}: ${status}, which the cloud did not answer`);
    }
    if (source === "hub" && ![404, 409, 410, 503, 504].includes(status)) {
      oracle.fail("refusal", `${where}: the hub's own ${status}: ${JSON.stringify(body)}`);
    }
    if (complete && status === 200 && typeof body !== "object") oracle.fail("R16", `${where}: 200 without JSON`);
  }
}

interface ListParts {
  readonly text: string;
  readonly items: readonly unknown[];
  readonly revision: number;
  /** The token of the next page. */
  readonly next: string;
}

function readHead(status: number, rawHeaders: readonly string[]): Pick<LocalAnswer, "status" | "stale" | "source"> {
  const header = (name: string) => {
    const at = rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
    return at < 0 ? undefined : rawHeaders[at + 1];
  };
  // The hub's own refusals carry no source.
  const source = header("x-holdfast-source") ?? "hub";
  return { status, source, stale: header("age") !== undefined };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
