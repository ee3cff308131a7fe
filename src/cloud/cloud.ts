import type { ByteSource, RawHeaders } from "../platform/bytes.ts";
import type { UpgradeResponse, Upstream, UpstreamRequest, UpstreamResponse } from "../platform/upstream.ts";

export interface CloudOptions {
  /** Travels with the node's identity. */
  readonly upstream: Upstream;
  /** For requests that bring a credential of their own: connections without the node's certificate, which the API server would look at first. */
  readonly callerUpstream: Upstream;
  /** `Host` towards the cloud. */
  readonly host: string;
  /** The node's bearer token, where its identity is a token. */
  readonly authorization?: () => string | undefined;
}

/** What a request to the cloud needs; `Host` and the node's credential are put in here. */
export interface CloudRequest {
  readonly method: string;
  readonly rawPath: string;
  readonly rawHeaders: RawHeaders;
  readonly body?: ByteSource | Uint8Array;
  readonly signal: AbortSignal;
  readonly longRunning?: boolean;
  readonly newConnection?: boolean;
}

/** The client for the cloud: picks connections and credential by who asks. Errors are UpstreamError. */
export class Cloud {
  readonly #options: CloudOptions;

  constructor(options: CloudOptions) {
    this.#options = options;
  }

  request(request: CloudRequest): Promise<UpstreamResponse> {
    return this.#upstream(request).request(this.#dress(request));
  }

  upgrade(request: CloudRequest): Promise<UpgradeResponse> {
    return this.#upstream(request).upgrade(this.#dress(request));
  }

  /**
   * Asks on the connection of the watches, so that a dead one is noticed and no queue of requests stands before it; or on a
   * new one, where what is old is not trusted.
   *
   * @returns the status of `GET /readyz`
   */
  async ready(signal: AbortSignal, { newConnection }: { readonly newConnection: boolean }): Promise<number> {
    const how = newConnection ? { newConnection } : { longRunning: true };
    const response = await this.request({
      method: "GET",
      rawPath: "/readyz",
      rawHeaders: ["Accept", "*/*"],
      signal,
      ...how,
    });
    for await (const _ of response.body) { /* "ok", or the failing checks: read to free the connection */ }
    return response.status;
  }

  #upstream(request: CloudRequest): Upstream {
    return bringsCredential(request.rawHeaders) ? this.#options.callerUpstream : this.#options.upstream;
  }

  #dress(request: CloudRequest): UpstreamRequest {
    const rawHeaders = ["Host", this.#options.host];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      const name = request.rawHeaders[i] ?? "";
      if (name.toLowerCase() !== "host") rawHeaders.push(name, request.rawHeaders[i + 1] ?? "");
    }
    const token = this.#options.authorization?.();
    if (token !== undefined && !bringsCredential(request.rawHeaders)) {
      rawHeaders.push("Authorization", `Bearer ${token}`);
    }
    return { ...request, rawHeaders };
  }
}

/**
 * Whether a request carries a credential of its caller, with which it then travels: an `Authorization` header, or a
 * bearer token as WebSocket subprotocol (the API server takes both).
 */
export function bringsCredential(rawHeaders: RawHeaders): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase();
    if (name === "authorization") return true;
    if (name === "sec-websocket-protocol" && rawHeaders[i + 1]?.includes(bearerProtocol)) return true;
  }
  return false;
}

const bearerProtocol = "base64url.bearer.authorization.k8s.io.";
