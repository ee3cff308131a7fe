import type { CreateUpstream } from "../../src/platform/upstream.ts";
import { createUpstreamWith } from "../shared/upstream.ts";

/** The upstream on this runtime: watches share connections of HTTP/2, short requests take HTTP/1.1. */
export const createUpstream: CreateUpstream = createUpstreamWith({ http2: "watches" });
