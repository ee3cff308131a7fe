import type { Listen } from "../../src/platform/listener.ts";
import { createListen } from "../shared/listener.ts";

const HTTP1_TLS_ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;

/** The listener on this runtime. Its TLS sockets have no backpressure: what a slow client does not read stays in memory. */
export const listen: Listen = createListen({ http1TlsAnswerLimitBytes: HTTP1_TLS_ANSWER_LIMIT_BYTES });
