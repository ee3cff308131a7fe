import { badRequest, requestEntityTooLarge } from "../kube/status.ts";
import { readAll } from "../replica/body.ts";
import type { Call, Source } from "./call.ts";

/** The API server takes no longer body either. */
const maxBodyBytes = 3 * 1024 * 1024;

export const protobufType = "application/vnd.kubernetes.protobuf";

const bodies = new WeakMap<Call, Promise<Uint8Array>>();

/** The body of a write, read once. @throws StatusError 413 */
export function bodyOf(call: Call): Promise<Uint8Array> {
  let body = bodies.get(call);
  if (body === undefined) {
    body = readAll(call.exchange.body, maxBodyBytes).catch((error: unknown) => {
      if (error instanceof RangeError) throw requestEntityTooLarge(`limit is ${maxBodyBytes}`);
      throw error;
    });
    bodies.set(call, body);
  }
  return body;
}

/** The body where it was read: it is not in the exchange any more. */
export function readBodyOf(call: Call): Promise<Uint8Array> | undefined {
  return bodies.get(call);
}

/** @throws StatusError 400 */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw badRequest(`the object provided is no JSON: ${cause instanceof Error ? cause.name : "malformed"}`);
  }
}

/** A member of parsed JSON; nothing where there is none. */
export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

/** Answers with an object. @param status 200 or 201 */
export function respondObject(call: Call, bytes: Uint8Array, { status, source }: Responded): void {
  if (call.exchange.answered) return;
  const rawHeaders = ["Content-Type", "application/json", "Content-Length", String(bytes.length)];
  const sink = call.respond({ status, reason: status === 201 ? "Created" : "OK", rawHeaders }, source);
  void sink.write(bytes);
  sink.end();
}

export interface Responded {
  readonly status: 200 | 201;
  readonly source: Source;
}
