import type { Clock } from "../platform/clock.ts";
import type { RawHeaders } from "../platform/bytes.ts";
import type { UpgradeResponse, Upstream, UpstreamRequest, UpstreamResponse } from "../platform/upstream.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { BackendHealth } from "./backend_health.ts";
import { BackendFlights, type BreakOptions, type Flight } from "./backend_flights.ts";
import { bringsCredential } from "./credential.ts";
import type { Traffic, TrafficCounter } from "./traffic.ts";

/** One API server, and the two ways to it. */
export interface BackendOptions {
  /** `https://10.0.0.1:6443`: how it is named in logs and states. @default {host} */
  readonly address?: string;
  /** `Host` towards it. */
  readonly host: string;
  /** Travels with the node's identity. */
  readonly upstream: Upstream;
  /**
   * For requests that bring a credential of their own: connections without the node's certificate, which the API server
   * would look at first. The same as `upstream` only where that shows none.
   */
  readonly callerUpstream: Upstream;
}

/** What a request to the cloud needs; `Host` and the node's credential are put in on the way. */
export interface BackendRequest extends Omit<UpstreamRequest, "rawHeaders"> {
  readonly rawHeaders: RawHeaders;
  /** A long one that whoever reads it asks for again elsewhere, when it ends: a watch. */
  readonly movable?: boolean;
  /**
   * It is somebody else's than the node's, whatever is left of its headers: the node's credential never goes with it.
   *
   * @default {whether its headers bring a credential}
   */
  readonly ownCredential?: boolean;
}

/** An answer that has not begun after this is reason to look whether anybody is there. */
const suspiciousMs = 500;
/** Who has failed is asked last for so long, unless it has answered since. */
const suspectMs = 10_000;

interface Sent {
  readonly flight: Flight;
  readonly counter: TrafficCounter;
}

interface BackendContext {
  readonly traffic: Traffic;
  readonly clock: Clock;
  /** The node's bearer token, where its identity is a token. */
  readonly authorization: () => string | undefined;
  /** Checks in a row that make it healthy again. */
  readonly healthyThreshold: number;
}

/** One API server: requests to it, and what is known of it. */
export class Backend {
  readonly address: string;
  readonly health: BackendHealth;
  /** Called when a request got no answer, or none in time: somebody should look whether it is still there. */
  suspected: () => void = () => {};
  readonly #options: BackendOptions & BackendContext;
  readonly #flights = new BackendFlights();
  #failedAt: number | undefined;
  /** When the first of what has got no answer was sent, with no answer to anything since. */
  #silentSince: number | undefined;
  #answeredAt = -Infinity;

  constructor(options: BackendOptions & BackendContext) {
    const { clock, healthyThreshold: threshold } = options;
    this.#options = options;
    this.address = options.address ?? options.host;
    this.health = new BackendHealth({ now: () => clock.now(), threshold });
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#flights.size;
  }

  /** Whether it failed lately and has not answered since: others are asked first. */
  get isSuspect(): boolean {
    return this.#failedAt !== undefined && this.#options.clock.monotonic() - this.#failedAt < suspectMs;
  }

  /**
   * For how long it has been silent, in milliseconds: since what it was asked first, where it has answered nothing since. 0
   * until that is reason to look whether it is there, which soon ends the silence or its health.
   */
  get silentMs(): number {
    if (this.#silentSince === undefined) return 0;
    const lasted = this.#options.clock.monotonic() - this.#silentSince;
    return lasted < suspectMs ? lasted : 0;
  }

  /** @throws UpstreamError */
  async request(request: BackendRequest): Promise<UpstreamResponse> {
    return await this.#send(request, async (upstream, dressed, { flight, counter }) => {
      const response = await upstream.request(dressed);
      return { ...response, body: flight.answered(response.body, (bytes) => counter.received(bytes)) };
    });
  }

  /** @throws UpstreamError */
  async upgrade(request: BackendRequest): Promise<UpgradeResponse> {
    return await this.#send({ ...request, longRunning: true }, async (upstream, dressed, { flight, counter }) => {
      const answer = await upstream.upgrade(dressed);
      if (answer.socket === undefined) {
        return { ...answer, body: flight.answered(answer.body, (bytes) => counter.received(bytes)) };
      }
      flight.ended(); // the two sockets end by themselves
      counter.received(answer.head.length);
      return { ...answer, socket: counter.through(answer.socket) };
    });
  }

  /** Asks it itself, for a check: what comes of it makes nobody suspicious. @throws UpstreamError */
  async check(request: BackendRequest): Promise<UpstreamResponse> {
    const counter = this.#options.traffic.begin(request.rawHeaders);
    const slow = this.#whenSlow(() => {});
    try {
      const response = await this.#upstream(request).request(this.#dress(request, counter));
      return { ...response, body: counter.reading(response.body) };
    } catch (error) {
      counter.failed();
      throw error;
    } finally {
      slow.cancel();
    }
  }

  /** Breaks off what must not outlast it. */
  break(options: BreakOptions): void {
    this.#flights.break(options);
  }

  /** Its connections may be dead without a word (a NAT that has forgotten them): what is new goes over new ones. */
  reconnect(): void {
    const { upstream, callerUpstream } = this.#options;
    upstream.rotate();
    callerUpstream.rotate();
  }

  /** It is there. */
  answered(): void {
    this.#failedAt = undefined;
    this.#silentSince = undefined;
    this.#answeredAt = this.#options.clock.monotonic();
  }

  async #send<Answer>(
    request: BackendRequest,
    ask: (upstream: Upstream, dressed: UpstreamRequest, sent: Sent) => Promise<Answer>,
  ): Promise<Answer> {
    const { traffic } = this.#options;
    const { signal, longRunning = false, movable = false } = request;
    const flight = this.#flights.begin({ signal, longRunning, movable });
    const counter = traffic.begin(request.rawHeaders);
    const slow = this.#whenSlow(() => this.#suspect());
    try {
      const dressed = { ...this.#dress(request, counter), signal: flight.signal };
      const answer = await ask(this.#upstream(request), dressed, { flight, counter });
      this.answered();
      return answer;
    } catch (error) {
      flight.ended();
      counter.failed();
      throw this.#failed(flight.reasonOf(error));
    } finally {
      slow.cancel();
    }
  }

  /** Notices what is not answered soon. */
  #whenSlow(noticed: () => void): { cancel(): void } {
    const { clock } = this.#options;
    const begun = clock.monotonic();
    return clock.setTimer(suspiciousMs, () => {
      if (this.#answeredAt < begun) this.#silentSince ??= begun;
      noticed();
    });
  }

  #failed(error: unknown): unknown {
    if (error instanceof UpstreamError && error.failure !== "aborted" && error.failure !== "closed") this.#suspect();
    return error;
  }

  #suspect(): void {
    this.#failedAt = this.#options.clock.monotonic();
    this.suspected();
  }

  #upstream(request: BackendRequest): Upstream {
    const { upstream, callerUpstream } = this.#options;
    return isOthers(request) ? callerUpstream : upstream;
  }

  #dress(asked: BackendRequest, counter: TrafficCounter): UpstreamRequest {
    const { movable: _, ownCredential: __, body, ...request } = asked;
    const rawHeaders = ["Host", this.#options.host];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      const name = request.rawHeaders[i] ?? "";
      if (name.toLowerCase() !== "host") rawHeaders.push(name, request.rawHeaders[i + 1] ?? "");
    }
    const token = this.#options.authorization();
    if (token !== undefined && !isOthers(asked)) rawHeaders.push("Authorization", `Bearer ${token}`);
    return { ...request, rawHeaders, ...(body === undefined ? {} : { body: counter.sending(body) }) };
  }
}

function isOthers({ ownCredential = false, rawHeaders }: BackendRequest): boolean {
  return ownCredential || bringsCredential(rawHeaders);
}
