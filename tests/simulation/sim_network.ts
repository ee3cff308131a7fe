import { headerOf } from "../../src/kube/hop_by_hop.ts";
import type { Clock } from "../../src/platform/clock.ts";
import type { ByteSource } from "../../src/platform/bytes.ts";
import {
  type Upstream,
  UpstreamError,
  type UpstreamFailure,
  type UpstreamRequest,
  type UpstreamResponse,
} from "../../src/platform/upstream.ts";
import type { Dice } from "./dice.ts";
import { healthy, type LinkConditions } from "./link_conditions.ts";
import { failure, type SimAnswer, type SimApiServer, type SimRequest } from "./sim_api_server.ts";
import type { SimAuthorizer } from "./sim_authorizer.ts";
import { SimFlow } from "./sim_flow.ts";

export interface SimNetworkOptions {
  readonly server: SimApiServer;
  /** @default everybody may do everything */
  readonly authorizer?: SimAuthorizer;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly trace: (line: () => string) => void;
}

/** What is to happen at the very moment of something else. */
export interface Ambush {
  readonly when: "before" | "after";
  readonly run: () => void;
}

/** One hub's way to the cloud. */
export interface NetworkClient extends Upstream {
  /** Requests and answers under way, open watches included. */
  readonly openFlows: number;
  /** Takes it off the network. */
  kill(): void;
}

/** A PING that is not answered ends a connection after this. */
const pingMs = 15_000;
const jsonHeaders = ["Content-Type", "application/json"];

/** The network between hub and cloud, with faults. */
export class SimNetwork {
  readonly #options: SimNetworkOptions;
  readonly #flows = new Set<SimFlow>();
  readonly #given = new Set<string>();
  #conditions = healthy;
  #ambush: Ambush | undefined;

  constructor(options: SimNetworkOptions) {
    this.#options = options;
  }

  get conditions(): LinkConditions {
    return this.#conditions;
  }

  /** Whether a request was ever answered with this status. */
  gave(method: string, rawPath: string, status: number): boolean {
    return this.#given.has(`${method} ${rawPath} ${status}`);
  }

  /** Changes what holds from now on. */
  set(conditions: Partial<LinkConditions>): void {
    const before = this.#conditions;
    this.#conditions = { ...before, ...conditions };
    const { link } = this.#conditions;
    if (link === before.link) return;
    if (link === "half-open") {
      for (const flow of this.#flows) this.#swallow(flow);
      return;
    }
    for (const flow of [...this.#flows]) if (link === "cut" || flow.swallowed) flow.break(broken());
  }

  /** Something that happens as the next push of the hub's outbox arrives, before or after it is applied; nothing to take it back. */
  atNextPush(happens: Ambush | undefined): void {
    this.#ambush = happens;
  }

  #meet(when: Ambush["when"]): boolean {
    if (this.#ambush?.when !== when) return false;
    const { run } = this.#ambush;
    this.#ambush = undefined;
    run();
    return true;
  }

  /** Breaks all connections. */
  reset(): void {
    for (const flow of [...this.#flows]) flow.break(broken());
  }

  /** the client of one hub. */
  connect(): NetworkClient {
    let dead = false;
    const flows = new Set<SimFlow>();
    return {
      request: async (request) => {
        if (dead) throw new UpstreamError("closed", "The client is closed", { sent: false });
        const flow = new SimFlow(this.#options.clock, request, (ended) => {
          this.#flows.delete(ended);
          flows.delete(ended);
        });
        if (flow.open) flows.add(flow);
        return await this.#start(flow, request);
      },
      upgrade: () => Promise.reject(new UpstreamError("refused", "There are no upgrades here", { sent: false })),
      rotate: () => undefined,
      close: () => Promise.resolve(),
      get openFlows(): number {
        return flows.size;
      },
      kill: () => {
        dead = true;
        for (const flow of [...flows]) flow.break(broken());
      },
    };
  }

  async #start(flow: SimFlow, request: UpstreamRequest): Promise<UpstreamResponse> {
    const { dice, trace } = this.#options;
    if (flow.open) this.#flows.add(flow);
    flow.response.catch(() => undefined); // a body that breaks before the head is awaited
    const body = request.body === undefined ? "" : await textOf(request.body);
    const { method, rawPath } = request;
    if (rawPath !== "/readyz") trace(() => `  cloud <- ${method} ${rawPath}`);
    const { link, lagMs } = this.#conditions;
    if (lagMs > 0) flow.lagMs = dice.between(0, lagMs);
    if (link === "half-open") this.#swallow(flow);
    if (link === "cut") flow.after(2, () => flow.break(failed("refused", false)));
    else {
      const own = headerOf(request.rawHeaders, "user-agent") === "holdfast";
      const contentType = headerOf(request.rawHeaders, "content-type") ?? "";
      const bearer = headerOf(request.rawHeaders, "authorization");
      const token = bearer === undefined ? {} : { token: bearer.replace("Bearer ", "") };
      flow.after(this.#delayMs(), () => this.#arrived(flow, { method, rawPath, body, contentType, own, ...token }));
    }
    return await flow.response;
  }

  #arrived(flow: SimFlow, request: SimRequest): void {
    const { server, dice, authorizer } = this.#options;
    const instead = this.#instead(request) ?? authorizer?.answer(request);
    if (instead !== undefined) return this.#answer(flow, request, instead);
    if (server.isWatch(request)) return this.#watch(flow, request);
    const isPush = request.own && request.method !== "GET";
    if (isPush && this.#meet("before")) return;
    const answer = server.answer(request);
    if (isPush && this.#meet("after")) return;
    if (dice.chance(this.#conditions.drop)) flow.after(this.#delayMs(), () => flow.break(broken()));
    else this.#answer(flow, request, answer);
  }

  /** What comes in place of the server's answer. */
  #instead({ method, rawPath }: SimRequest): SimAnswer | undefined {
    const { dice } = this.#options;
    const { portal, starting, busy, errors } = this.#conditions;
    const isReadyz = rawPath === "/readyz";
    if (portal === "all" || (portal === "but-readyz" && !isReadyz)) {
      const rawHeaders = ["Content-Type", "text/html; charset=utf-8"];
      return { status: 200, body: "<!doctype html><title>Welcome</title><p>Please log in", rawHeaders };
    }
    if (starting !== undefined) {
      if (isReadyz) return { status: 500, body: "[-]poststarthook/rbac/bootstrap-roles failed" };
      return failure(starting, starting === 401 ? "Unauthorized" : "Forbidden", "the server is starting");
    }
    const isBusy = busy && method !== "GET";
    if (!isBusy && !dice.chance(errors)) return undefined;
    const status = isBusy ? 429 : dice.pick([500, 502, 503, 504, 429] as const);
    if (status === 502) return { status, body: "Bad Gateway", rawHeaders: ["Content-Type", "text/plain"] };
    const retry = status === 429 ? ["Retry-After", "1"] : [];
    const reasons = { 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout", 429: "TooManyRequests" };
    return { ...failure(status, reasons[status], "injected"), rawHeaders: [...jsonHeaders, ...retry] };
  }

  #answer(flow: SimFlow, { method, rawPath }: SimRequest, answer: SimAnswer): void {
    const { dice, trace } = this.#options;
    this.#given.add(`${method} ${rawPath} ${answer.status}`);
    flow.after(this.#delayMs(), () => {
      if (rawPath !== "/readyz") trace(() => `  cloud -> ${answer.status} ${method} ${rawPath} ${brief(answer.body)}`);
      flow.head(answer.status, answer.rawHeaders ?? jsonHeaders);
      if (dice.chance(this.#conditions.truncate)) {
        flow.push(answer.body.slice(0, dice.int(0, answer.body.length - 1)));
        return flow.break(broken());
      }
      const middle = dice.int(0, answer.body.length);
      flow.push(answer.body.slice(0, middle));
      flow.push(answer.body.slice(middle));
      flow.end();
    });
  }

  #watch(flow: SimFlow, request: SimRequest): void {
    const { server, trace } = this.#options;
    let begun = false;
    const begin = () => {
      if (!begun) flow.after(this.#delayMs(), () => flow.head(200, jsonHeaders));
      begun = true;
    };
    const watch = server.watch(this.#repeating(request), {
      send: (text) => {
        begin();
        // Whoever has left is told nothing any more; the server notices at its next write.
        if (!flow.open) return "status" in watch ? undefined : watch.close();
        flow.after(this.#delayMs(), () => {
          trace(() => `  cloud -> ${brief(text)}    on ${request.rawPath}`);
          this.#frame(flow, text);
        });
      },
      end: () => flow.after(this.#delayMs(), () => flow.end()),
    });
    if ("status" in watch) this.#answer(flow, request, watch);
    else begin();
  }

  #frame(flow: SimFlow, text: string): void {
    const { dice } = this.#options;
    if (!dice.chance(this.#conditions.truncate)) return flow.push(text);
    flow.push(text.slice(0, dice.int(0, text.length - 1)));
    if (dice.chance(0.5)) flow.break(broken());
    else flow.end();
  }

  #repeating(request: SimRequest): SimRequest {
    const { repeat } = this.#conditions;
    const version = Number(/[?&]resourceVersion=(\d+)/.exec(request.rawPath)?.[1] ?? "0");
    if (repeat === 0 || version === 0) return request;
    const from = Math.max(this.#options.server.oldest, version - repeat);
    if (from >= version) return request;
    return { ...request, rawPath: request.rawPath.replace(/([?&]resourceVersion=)\d+/, `$1${from}`) };
  }

  #swallow(flow: SimFlow): void {
    flow.swallowed = true;
    if (!flow.longRunning) return;
    this.#options.clock.setTimer(pingMs, () => flow.break(broken()));
  }

  #delayMs(): number {
    const [min, max] = this.#conditions.delayMs;
    return this.#options.dice.between(min, max);
  }
}

function broken(): UpstreamError {
  return failed("broken", true);
}

function failed(how: UpstreamFailure, sent: boolean): UpstreamError {
  return new UpstreamError(how, `The connection was ${how}`, { sent });
}

function brief(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}...` : text.trimEnd();
}

async function textOf(body: ByteSource | Uint8Array): Promise<string> {
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
