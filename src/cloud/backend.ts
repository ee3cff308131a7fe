import type { Clock } from "../platform/clock.ts";
import type { RawHeaders } from "../platform/bytes.ts";
import type { UpgradeResponse, Upstream, UpstreamRequest, UpstreamResponse } from "../platform/upstream.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { BackendHealth } from "./backend_health.ts";
import { BackendFlights, type BreakOptions } from "./backend_flights.ts";
import { bringsCredential } from "./credential.ts";

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
   * would look at first. @default {upstream}
   */
  readonly callerUpstream?: Upstream;
}

/** What a request to the cloud needs; `Host` and the node's credential are put in on the way. */
export interface BackendRequest extends Omit<UpstreamRequest, "rawHeaders"> {
  readonly rawHeaders: RawHeaders;
  /** A long one that whoever reads it asks for again elsewhere, when it ends: a watch. */
  readonly movable?: boolean;
}

/** An answer that has not begun after this is reason to look whether anybody is there. */
const suspiciousMs = 500;
/** Who has failed is asked last for so long, unless it has answered since. */
const suspectMs = 10_000;

interface BackendContext {
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

  /** @throws UpstreamError */
  async request(request: BackendRequest): Promise<UpstreamResponse> {
    const flight = this.#begin(request);
    const watched = this.#watchHead();
    try {
      const response = await this.#upstream(request).request({ ...this.#dress(request), signal: flight.signal });
      this.answered();
      return { ...response, body: flight.answered(response.body) };
    } catch (error) {
      flight.ended();
      throw this.#failed(flight.reasonOf(error));
    } finally {
      watched.cancel();
    }
  }

  /** @throws UpstreamError */
  async upgrade(request: BackendRequest): Promise<UpgradeResponse> {
    const flight = this.#begin({ ...request, longRunning: true });
    const watched = this.#watchHead();
    try {
      const answer = await this.#upstream(request).upgrade({ ...this.#dress(request), signal: flight.signal });
      this.answered();
      if (answer.socket === undefined) return { ...answer, body: flight.answered(answer.body) };
      flight.ended(); // the two sockets end by themselves
      return answer;
    } catch (error) {
      flight.ended();
      throw this.#failed(flight.reasonOf(error));
    } finally {
      watched.cancel();
    }
  }

  /** Asks it itself, for a check: what comes of it makes nobody suspicious. @throws UpstreamError */
  check(request: BackendRequest): Promise<UpstreamResponse> {
    return this.#upstream(request).request(this.#dress(request));
  }

  /** Breaks off what must not outlast it. */
  break(options: BreakOptions): void {
    this.#flights.break(options);
  }

  /** It is there. */
  answered(): void {
    this.#failedAt = undefined;
  }

  #begin({ signal, longRunning = false, movable = false }: BackendRequest) {
    return this.#flights.begin({ signal, longRunning, movable });
  }

  #watchHead() {
    return this.#options.clock.setTimer(suspiciousMs, () => this.#suspect());
  }

  #failed(error: unknown): unknown {
    if (error instanceof UpstreamError && error.failure !== "aborted" && error.failure !== "closed") this.#suspect();
    return error;
  }

  #suspect(): void {
    this.#failedAt = this.#options.clock.monotonic();
    this.suspected();
  }

  #upstream({ rawHeaders }: BackendRequest): Upstream {
    const { upstream, callerUpstream = upstream } = this.#options;
    return bringsCredential(rawHeaders) ? callerUpstream : upstream;
  }

  #dress({ movable: _, ...request }: BackendRequest): UpstreamRequest {
    const rawHeaders = ["Host", this.#options.host];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      const name = request.rawHeaders[i] ?? "";
      if (name.toLowerCase() !== "host") rawHeaders.push(name, request.rawHeaders[i + 1] ?? "");
    }
    const token = this.#options.authorization();
    if (token !== undefined && !bringsCredential(request.rawHeaders)) {
      rawHeaders.push("Authorization", `Bearer ${token}`);
    }
    return { ...request, rawHeaders };
  }
}
