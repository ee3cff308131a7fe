import type { CreateUpstream } from "../../src/platform/upstream.ts";
import { createUpstreamWith } from "../shared/upstream.ts";

/**
 * The upstream on this runtime: everything that can goes over HTTP/2. Its TLS sockets have no backpressure and its client
 * for HTTP/1.1 holds on to memory; streams of HTTP/2 have windows of their own.
 */
export const createUpstream: CreateUpstream = createUpstreamWith({ http2: "all" });
