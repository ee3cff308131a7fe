import type { ByteSource } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import { type UpgradeResponse, UpstreamError, type UpstreamResponse } from "../platform/upstream.ts";
import { Backend, type BackendOptions, type BackendRequest } from "./backend.ts";
import { Balancer, type LbMode } from "./balancer.ts";
import { type Background, Precedence } from "./precedence.ts";
import { ReplayableBody } from "./replayable_body.ts";
import { Traffic } from "./traffic.ts";

export interface CloudOptions {
  /** In the order of `--server-addr`. */
  readonly backends: readonly BackendOptions[];
  readonly clock: Clock;
  /** @default {"rr"} */
  readonly lbMode?: LbMode;
  /** The node's bearer token, where its identity is a token. */
  readonly authorization?: () => string | undefined;
  /** Checks in a row that make a backend healthy again. @default {2} */
  readonly healthyThreshold?: number;
  /** Whether somebody checks the backends: else all are always used. @default {true} */
  readonly checked?: boolean;
}

/** What a request to the cloud needs; `Host` and the node's credential are put in on the way. */
export interface CloudRequest extends BackendRequest {
  /** Nobody waits for it: it goes after the clients' requests. */
  readonly background?: Background | undefined;
}

export interface LeaveOptions {
  readonly reason: string;
  /** It still ends what it has begun. */
  readonly draining: boolean;
}

/** An answer, and who gave it. */
export type CloudResponse = UpstreamResponse & { readonly backend: Backend };

/** Requests that may be sent twice whatever became of the first (RFC 9110 9.2.1). */
const safeMethods: readonly string[] = ["GET", "HEAD", "OPTIONS"];

/**
 * The client for the cloud: picks a backend, connections and credential; tries the next backend where one gave no answer
 * and a second try does no harm. Errors are UpstreamError.
 */
export class Cloud {
  readonly backends: readonly Backend[];
  readonly traffic: Traffic = new Traffic();
  readonly #precedence: Precedence;
  readonly #balancer: Balancer;
  readonly #checked: boolean;

  constructor(options: CloudOptions) {
    const { clock, authorization = () => undefined, healthyThreshold = 2 } = options;
    const shared = { clock, authorization, healthyThreshold, traffic: this.traffic };
    this.backends = options.backends.map((one) => new Backend({ ...one, ...shared }));
    this.#balancer = new Balancer(options.lbMode ?? "rr");
    this.#precedence = new Precedence(clock);
    this.#checked = options.checked ?? true;
  }

  /** Those that are used now: the healthy ones; as long as none was checked, those of which nothing is known. */
  get usable(): readonly Backend[] {
    if (!this.#checked) return this.backends;
    const healthy = this.backends.filter(({ health }) => health.healthy);
    return healthy.length > 0 ? healthy : this.backends.filter(({ health }) => health.state === "unknown");
  }

  /** For how long no backend that is used has answered anything, in milliseconds; 0 where one may well answer the next. */
  get silentMs(): number {
    const { usable } = this;
    return usable.length === 0 ? 0 : Math.min(...usable.map(({ silentMs }) => silentMs));
  }

  async request(request: CloudRequest): Promise<CloudResponse> {
    const { background, ...sent } = request;
    const { signal, longRunning = false } = request;
    const end = background !== undefined
      ? await this.#precedence.background(background, signal).catch(() => {
        throw new UpstreamError("aborted", "The request was aborted", { sent: false, cause: signal.reason });
      })
      : longRunning
      ? () => undefined
      : this.#precedence.client();
    try {
      const response = await this.#attempts(sent, (backend, one) => backend.request(one));
      if (longRunning) {
        end();
        return response;
      }
      // Where nobody reads the body any more, its asker has gone.
      signal.addEventListener("abort", end);
      const body = background !== undefined ? this.#precedence.yielding(response.body, signal) : response.body;
      return { ...response, body: endingWith(body, { end, signal }) };
    } catch (error) {
      end();
      throw error;
    }
  }

  upgrade(request: BackendRequest): Promise<UpgradeResponse & { readonly backend: Backend }> {
    return this.#attempts(request, (backend, one) => backend.upgrade(one));
  }

  /** Breaks off what is under way to a backend that is not used any more; what can go elsewhere is then asked for there. */
  leave(backend: Backend, { reason, draining }: LeaveOptions): void {
    const elsewhere = this.usable.some((other) => other !== backend);
    backend.break({ reason, draining, elsewhere });
  }

  async #attempts<Answer extends object>(
    request: BackendRequest,
    ask: (backend: Backend, request: BackendRequest) => Promise<Answer>,
  ): Promise<Answer & { readonly backend: Backend }> {
    const body = request.body === undefined || request.body instanceof Uint8Array
      ? undefined
      : new ReplayableBody(request.body);
    const tried = new Set<Backend>();
    try {
      for (let failure: UpstreamError | undefined;;) {
        const backend = this.#balancer.pick(this.usable.filter((one) => !tried.has(one)));
        if (backend === undefined) throw failure ?? this.#nobody();
        tried.add(backend);
        try {
          const again = body === undefined ? {} : { body: body.read() };
          return { ...await ask(backend, { ...request, ...again }), backend };
        } catch (error) {
          if (!(error instanceof UpstreamError) || !isRepeatable(request, { error, body })) throw error;
          failure = error;
        }
      }
    } finally {
      body?.settle();
    }
  }

  #nobody(): UpstreamError {
    const states = this.backends.map(({ address, health }) => `${address}: ${health.reason}`);
    return new UpstreamError("refused", `No API server is healthy: ${states.join("; ")}`, { sent: false });
  }
}

function isRepeatable(
  { method, signal, newConnection }: BackendRequest,
  { error, body }: { readonly error: UpstreamError; readonly body: ReplayableBody | undefined },
): boolean {
  if (signal.aborted || newConnection === true || error.failure === "closed") return false;
  if (body !== undefined && !body.whole) return false;
  return safeMethods.includes(method) || !error.sent;
}

async function* endingWith(
  body: ByteSource,
  { end, signal }: { readonly end: () => void; readonly signal: AbortSignal },
): ByteSource {
  try {
    yield* body;
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}
