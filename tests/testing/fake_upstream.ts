import {
  type Upstream,
  UpstreamError,
  type UpstreamRequest,
  type UpstreamResponse,
} from "../../src/platform/upstream.ts";

/** An upstream that keeps what it was asked. */
export interface FakeUpstream extends Upstream {
  readonly requests: UpstreamRequest[];
  /** What it does with the next requests: a status with an empty body, no answer ever, or none at once. */
  answer: number | "silence" | "refused";
}

/** Makes one that answers 200 first. */
export function createFakeUpstream(): FakeUpstream {
  const requests: UpstreamRequest[] = [];
  const request = (asked: UpstreamRequest): Promise<UpstreamResponse & { readonly socket?: undefined }> => {
    requests.push(asked);
    const { answer } = fake;
    if (answer === "refused") {
      return Promise.reject(new UpstreamError("refused", "connection refused", { sent: false }));
    }
    if (answer !== "silence") return Promise.resolve({ status: answer, reason: "", rawHeaders: [], body: nothing() });
    return new Promise((_, reject) => {
      asked.signal.addEventListener("abort", () => reject(new UpstreamError("aborted", "aborted", { sent: true })));
    });
  };
  const fake: FakeUpstream = {
    requests,
    answer: 200,
    request,
    upgrade: request,
    rotate: () => undefined,
    close: () => Promise.resolve(),
  };
  return fake;
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  yield* [];
}
