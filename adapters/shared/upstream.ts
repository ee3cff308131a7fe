import {
  type ClientCredentials,
  type CreateUpstream,
  type UpgradeResponse,
  type Upstream,
  UpstreamError,
  type UpstreamOptions,
  type UpstreamRequest,
  type UpstreamResponse,
} from "../../src/platform/upstream.ts";
import { Flights } from "./flights.ts";
import { Http1Upstream } from "./http1_upstream.ts";
import { Http2Pool } from "./http2_pool.ts";
import { credentialsOf, type Origin, parseOrigin } from "./origin.ts";
import { upgrade } from "./upgrade.ts";

export interface UpstreamTraits {
  /** What goes over HTTP/2 where the server speaks it: watches, or every request but upgrades. */
  readonly http2: "watches" | "all";
}

/** Makes the CreateUpstream of one runtime. */
export function createUpstreamWith(traits: UpstreamTraits): CreateUpstream {
  return (options) => new HttpUpstream(options, traits);
}

/** All connections that were opened with the same credentials. */
interface Generation {
  readonly credentials: ClientCredentials;
  readonly flights: Flights;
  readonly http1: Http1Upstream;
  readonly http2: Http2Pool | undefined;
}

class HttpUpstream implements Upstream {
  readonly #origin: Origin;
  readonly #traits: UpstreamTraits;
  readonly #retired = new Set<Generation>();
  #current: Generation;
  #closed = false;

  constructor(options: UpstreamOptions, traits: UpstreamTraits) {
    this.#origin = parseOrigin(options);
    this.#traits = traits;
    this.#current = createGeneration(this.#origin, credentialsOf(options));
  }

  async request(request: UpstreamRequest): Promise<UpstreamResponse> {
    this.#checkOpen();
    const { http1, http2 } = this.#current;
    if (request.newConnection === true) return await http1.request(request);
    if (http2 === undefined || (this.#traits.http2 === "watches" && request.longRunning !== true)) {
      return await http1.request(request);
    }
    return await http2.request(request) ?? await http1.request(request);
  }

  async upgrade(request: UpstreamRequest): Promise<UpgradeResponse> {
    this.#checkOpen();
    const { credentials, flights } = this.#current;
    return await upgrade(request, { origin: this.#origin, credentials, flights });
  }

  rotate(credentials?: ClientCredentials): void {
    if (this.#closed) return;
    const old = this.#current;
    this.#current = createGeneration(this.#origin, credentials ? credentialsOf(credentials) : old.credentials);
    this.#retired.add(old);
    old.flights.whenLanded(() => {
      this.#retired.delete(old);
      destroy(old);
    });
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    const generations = [this.#current, ...this.#retired];
    await Promise.all(generations.map(async (generation) => {
      await generation.flights.land(graceMs);
      destroy(generation);
    }));
  }

  #checkOpen(): void {
    if (this.#closed) throw new UpstreamError("closed", "The upstream was closed", { sent: false });
  }
}

function createGeneration(origin: Origin, credentials: ClientCredentials): Generation {
  const flights = new Flights();
  return {
    credentials,
    flights,
    http1: new Http1Upstream(origin, { credentials, flights }),
    http2: origin.secure && !origin.unverified ? new Http2Pool(origin, { credentials, flights }) : undefined,
  };
}

function destroy(generation: Generation): void {
  generation.http1.destroy();
  generation.http2?.destroy();
}
