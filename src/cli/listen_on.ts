import type { ExchangeHandler, Listen, Listener, ServerTls } from "../platform/listener.ts";
import { hostAndPort } from "./address.ts";

export interface ListenOnOptions {
  readonly listen: Listen;
  readonly hostname: string;
  readonly port: number;
  readonly handle: ExchangeHandler;
  readonly tls?: ServerTls;
  /** @default the listener's own */
  readonly maxConnections?: number;
  /** The flags that chose the address, for the error. */
  readonly addressFlag: string;
  readonly portFlag: string;
}

/** Listens at the address that flags have chosen. @throws Error whose message names the flag to change */
export async function listenOn(options: ListenOnOptions): Promise<Listener> {
  const { hostname, port, tls, maxConnections } = options;
  const more = {
    ...(tls === undefined ? {} : { tls }),
    ...(maxConnections === undefined ? {} : { maxConnections }),
  };
  try {
    return await options.listen({ hostname, port, ...more }, options.handle);
  } catch (cause) {
    const code = errorCode(cause);
    const address = hostAndPort(hostname, port);
    throw new Error(`Cannot listen on ${address}: ${reasonOf(code, { ...options, cause })}`, { cause });
  }
}

function reasonOf(code: string, options: ListenOnOptions & { readonly cause: unknown }): string {
  const { port, portFlag, addressFlag, cause } = options;
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} is taken (EADDRINUSE); choose another with --${portFlag}`;
    case "EACCES":
      return `not allowed to use port ${port} (EACCES); choose another with --${portFlag}`;
    case "EADDRNOTAVAIL":
      return `this machine does not have the address (EADDRNOTAVAIL); choose another with --${addressFlag}`;
    default:
      return `${cause instanceof Error ? cause.message : String(cause)} (--${addressFlag}, --${portFlag})`;
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
