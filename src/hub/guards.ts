import type { Exchange } from "../platform/exchange.ts";
import { forbidden, type StatusError } from "../kube/status.ts";

export interface GuardOptions {
  /** Whose processes may ask, where the platform can tell. */
  readonly allowUids: () => readonly number[];
  /** Whether reads ask for the user id too, or writes only. */
  readonly uidOf: "all" | "writes";
}

/**
 * Keeps others off the loopback ports, which speak with the node's identity (design, section 5): web pages by a rebound
 * name or across sites, and other users of this machine.
 *
 * @returns the refusal, or nothing where the request may go on
 */
export async function guard(exchange: Exchange, options: GuardOptions): Promise<StatusError | undefined> {
  const host = exchange.header("host") ?? "";
  if (!isLoopbackHost(host)) return forbidden(`The host "${host}" is not a name of this machine's loopback interface`);
  const origin = exchange.header("origin");
  if (origin !== undefined && origin.replace(/^https?:\/\//, "") !== host) {
    return forbidden(`The origin "${origin}" is another site`);
  }
  const site = exchange.header("sec-fetch-site");
  if (site !== undefined && site !== "none" && site !== "same-origin") {
    return forbidden("The request comes from another site");
  }
  if (options.uidOf === "writes" && ["GET", "HEAD"].includes(exchange.method)) return undefined;
  const uid = await exchange.peer.uid();
  if (uid === "gone") return forbidden("The client has let go of the connection before it was known who it is");
  if (uid !== undefined && !options.allowUids().includes(uid)) {
    return forbidden(`The user id ${uid} is not in --plain-allow-uid`);
  }
  return undefined;
}

function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d*$/, "").toLowerCase();
  return name === "localhost" || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name);
}
