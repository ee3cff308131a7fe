import type { ByteSource } from "../../src/platform/bytes.ts";
import {
  type Upstream,
  UpstreamError,
  type UpstreamRequest,
  type UpstreamResponse,
} from "../../src/platform/upstream.ts";

/** A status with an empty body (of `/readyz` what an API server says), an answer, no answer ever, none at once, or a connection that breaks after sending. */
export type FakeAnswer =
  | number
  | "silence"
  | "refused"
  | "broken"
  | { readonly status: number; readonly body: string | ByteSource };

/** An upstream that keeps what it was asked. */
export interface FakeUpstream extends Upstream {
  readonly requests: UpstreamRequest[];
  /** How often it was told to take new connections. */
  rotations: number;
  /** What it does with the next requests. */
  answer: FakeAnswer | ((request: UpstreamRequest) => FakeAnswer | Promise<FakeAnswer>);
}

/** Makes one that answers 200 first. */
export function createFakeUpstream(): FakeUpstream {
  const requests: UpstreamRequest[] = [];
  const request = async (asked: UpstreamRequest): Promise<UpstreamResponse & { readonly socket?: undefined }> => {
    requests.push(asked);
    const answer = typeof fake.answer === "function" ? await fake.answer(asked) : fake.answer;
    if (answer === "refused") throw new UpstreamError("refused", "connection refused", { sent: false });
    if (answer === "broken") throw new UpstreamError("broken", "connection reset", { sent: true });
    if (answer === "silence") return await endOf(asked.signal);
    const empty = asked.rawPath === "/readyz" && answer === 200 ? "ok" : "";
    const { status, body } = typeof answer === "number" ? { status: answer, body: empty } : answer;
    return { status, reason: "", rawHeaders: [], body: typeof body === "string" ? textSource(body) : body };
  };
  const fake: FakeUpstream = {
    requests,
    rotations: 0,
    answer: 200,
    request,
    upgrade: request,
    rotate: () => void fake.rotations++,
    close: () => Promise.resolve(),
  };
  return fake;
}

function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(new UpstreamError("aborted", "aborted", { sent: true }));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  });
}

// deno-lint-ignore require-await
async function* textSource(text: string): ByteSource {
  if (text !== "") yield new TextEncoder().encode(text);
}
