import type { ClientCredentials, UpstreamRequest, UpstreamResponse } from "../../src/platform/upstream.ts";
import type { Flights } from "./flights.ts";
import type { Origin } from "./origin.ts";

export class Http2Pool {
  constructor(_origin: Origin, _options: { readonly credentials: ClientCredentials; readonly flights: Flights }) {}
  request(_request: UpstreamRequest): Promise<UpstreamResponse | undefined> {
    return Promise.resolve(undefined);
  }
  destroy(): void {}
}
