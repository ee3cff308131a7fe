import type { Platform } from "../platform/platform.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { readAll } from "../replica/body.ts";
import { hostAndPort } from "./address.ts";
import type { FlagValues } from "./flag_values.ts";

/** What the status server of the running hub is asked, and how patiently. */
export interface StatusServerRequest {
  readonly method: "GET" | "DELETE";
  /** With its query. */
  readonly rawPath: string;
  readonly timeoutMs: number;
}

export interface StatusServerAnswer {
  /** `127.0.0.1:10267` */
  readonly server: string;
  readonly status: number;
  readonly body: Uint8Array;
}

const maxAnswerBytes = 16 * 1024 * 1024;

/** Nobody has answered. */
export class NoHubError extends Error {
  override readonly name = "NoHubError";
  /** Who was asked: `127.0.0.1:10267`. */
  readonly server: string;

  constructor(server: string, cause: Error) {
    super(`${cause.message} (--bind-address, --serve-port)`, { cause });
    this.server = server;
  }
}

/** Asks the status server that `--bind-address` and `--serve-port` name. @throws NoHubError */
export async function askStatusServer(
  { platform, values }: { readonly platform: Platform; readonly values: FlagValues },
  { method, rawPath, timeoutMs }: StatusServerRequest,
): Promise<StatusServerAnswer> {
  const server = hostAndPort(reachable(values.string("bind-address")), values.integer("serve-port"));
  const upstream = platform.createUpstream({ origin: `http://${server}` });
  const waiting = new AbortController();
  const late = new Error(`no answer within ${timeoutMs} ms`);
  const timer = platform.clock.setTimer(timeoutMs, () => waiting.abort(late));
  try {
    const response = await upstream.request({
      method,
      rawPath,
      rawHeaders: ["Host", "localhost", "Accept", "application/json"],
      signal: AbortSignal.any([waiting.signal, platform.process.stop]),
    });
    return { server, status: response.status, body: await readAll(response.body, maxAnswerBytes) };
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    throw new NoHubError(server, waiting.signal.aborted ? late : error);
  } finally {
    timer.cancel();
    await upstream.close(0);
  }
}

/** Where a server that listens on all addresses is reached. */
function reachable(address: string): string {
  return { "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address;
}
