import type { ServerTls } from "../platform/listener.ts";

/** Where a hub listens, and with what. */
export interface PortAddress {
  readonly hostname: string;
  readonly port: number;
  readonly tls?: ServerTls;
}
