import net, { type Socket } from "node:net";
import tls, { type ConnectionOptions } from "node:tls";
import type { Dial, DialOptions } from "../../src/platform/dialer.ts";
import { UpstreamError } from "../../src/platform/upstream.ts";
import { SocketDuplex } from "./duplex.ts";
import { abortedError, toUpstreamError } from "./errors.ts";
import { ignoreError } from "./ignore_error.ts";

/** Opens one connection; see the port. */
export const dial: Dial = async (options) => new SocketDuplex(await openSocket(options));

export interface SocketOptions extends DialOptions {
  /** Whether the connection stays open for writing when the other side has ended. Default: it does. */
  readonly allowHalfOpen?: boolean;
}

/**
 * Opens one connection and gives the runtime's socket, its errors listened to.
 *
 * @throws UpstreamError
 */
export function openSocket(options: SocketOptions): Promise<Socket> {
  const { signal } = options;
  if (signal.aborted) return Promise.reject(abortedError(signal, { sent: false }));
  return new Promise((resolve, reject) => {
    const socket = options.tls === undefined ? connectPlain(options) : tls.connect(tlsOptions(options));
    const fail = (error: UpstreamError) => {
      stopWaiting();
      socket.on("error", ignoreError);
      socket.destroy();
      reject(error);
    };
    const onError = (error: unknown) => fail(toUpstreamError(error, { sent: false }));
    const onClose = () => onError(new Error("The connection was closed before it was open"));
    const onAbort = () => fail(abortedError(signal, { sent: false }));
    const onReady = () => {
      stopWaiting();
      socket.on("error", ignoreError);
      socket.setNoDelay(true);
      resolve(socket);
    };
    const timer = setTimeout(() => fail(connectTimeout(options)), options.timeoutMs);
    const ready = options.tls === undefined ? "connect" : "secureConnect";
    const stopWaiting = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.off("error", onError).off("close", onClose).off(ready, onReady);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", onError).on("close", onClose).on(ready, onReady);
  });
}

/** The name to send as SNI: an address is none (RFC 6066 3). */
export function sniName(hostname: string): string {
  return net.isIP(hostname) === 0 ? hostname : "";
}

function connectPlain(options: SocketOptions): Socket {
  return net.connect({ host: options.hostname, port: options.port, allowHalfOpen: options.allowHalfOpen ?? true });
}

function tlsOptions(options: SocketOptions): ConnectionOptions & { allowHalfOpen: boolean } {
  const { ca, cert, key, serverName, alpn } = options.tls ?? {};
  const sni = sniName(serverName ?? options.hostname);
  return {
    host: options.hostname,
    port: options.port,
    allowHalfOpen: options.allowHalfOpen ?? true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(sni === "" ? {} : { servername: sni }),
    ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
  };
}

function connectTimeout(options: DialOptions): UpstreamError {
  const message = `No connection to ${options.hostname}:${options.port} within ${options.timeoutMs} ms`;
  return new UpstreamError("timeout", message, { sent: false });
}
