import { readFileSync } from "node:fs";
import { type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface ApiRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** @default {10_000} */
  readonly timeoutMs?: number;
}

/** One connection per request, so that nothing old is ever used again. */
export type ApiClient = (path: string, request?: ApiRequest) => Promise<ApiAnswer>;

/** The API server itself, as cluster-admin or another client whose certificate lies in the cluster's folder. */
export function directClient(options: { dir: string; port: number; identity?: string }): ApiClient {
  const { dir, port, identity = "admin" } = options;
  const read = (file: string): string => readFileSync(join(dir, file), "utf8");
  const tls = { ca: read("ca.crt"), cert: read(`${identity}.crt`), key: read(`${identity}.key`) };
  return (path, request = {}) => send({ origin: `https://127.0.0.1:${port}`, tls }, path, request);
}

/** The TLS port of a hub, or the API server, as a service account; both have a certificate of the cluster's CA. */
export function tokenClient(options: { dir: string; port: number; token: string }): ApiClient {
  const { dir, port, token } = options;
  const tls = { ca: readFileSync(join(dir, "ca.crt"), "utf8") };
  const authorization = { authorization: `Bearer ${token}` };
  return (path, request = {}) => {
    const headers = { ...request.headers, ...authorization };
    return send({ origin: `https://127.0.0.1:${port}`, tls }, path, { ...request, headers });
  };
}

/** A plain HTTP server, a hub for one. */
export function plainClient(port: number): ApiClient {
  return (path, request = {}) => send({ origin: `http://127.0.0.1:${port}` }, path, request);
}

/** What a JSON answer holds; the tests look at it with assertions. @throws Error with the answer where it is no 2xx */
export async function getJson(client: ApiClient, path: string, request?: ApiRequest): Promise<KubeObject> {
  const answer = await client(path, request);
  if (answer.status < 200 || answer.status > 299) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  const value: unknown = JSON.parse(answer.text);
  if (typeof value !== "object" || value === null) throw new Error(`${path}: no object: ${answer.text}`);
  // The tests' own assertions check the fields that they use.
  return value as KubeObject;
}

/** The parts of Kubernetes objects and lists that the tests look at. */
export interface KubeObject {
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
    readonly containerStatuses?: readonly { readonly ready: boolean; readonly restartCount: number }[];
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly items?: readonly KubeObject[];
}

/** The status of a condition, `undefined` where the object has none of that type. */
export function condition(object: KubeObject, type: string): string | undefined {
  return object.status?.conditions?.find((one) => one.type === type)?.status;
}

interface Target {
  readonly origin: string;
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
}

function send({ origin, tls }: Target, path: string, request: ApiRequest): Promise<ApiAnswer> {
  const { method = "GET", headers = {}, body, timeoutMs = 10_000 } = request;
  return new Promise((resolve, reject) => {
    const options = {
      method,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
    } as const;
    const open = tls === undefined ? httpRequest : httpsRequest;
    const outgoing = open(origin + path, { ...options, ...tls }, (incoming) => {
      const chunks: Uint8Array[] = [];
      incoming.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text: bytes.toString("utf8"), bytes });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
