import type { ServingCertificate } from "../identity/serving_certificate.ts";
import type { ExchangeHandler, Listen, Listener } from "../platform/listener.ts";
import type { Logger } from "../platform/logger.ts";
import { listenOn } from "./listen_on.ts";

export interface SecureListenerOptions {
  readonly listen: Listen;
  readonly hostname: string;
  readonly port: number;
  readonly certificate: Pick<ServingCertificate, "current" | "onChange">;
  /** Whose client certificates count, PEM; missing where none can be told from another. */
  readonly clientCa: () => string | undefined;
  readonly logger: Logger;
}

/**
 * The TLS port: it opens with the first certificate and takes each that follows without cutting a connection. Until then, and
 * where it cannot be opened later, it says why.
 */
export class SecureListener {
  readonly #options: SecureListenerOptions;
  #listener: Listener | undefined;
  #problem: string | undefined = "there is no serving certificate yet";
  #handle: ExchangeHandler | undefined;
  #closed = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: SecureListenerOptions) {
    this.#options = options;
  }

  /** Why it is not open; nothing where it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Opens it where there is a certificate, and follows the certificate. @throws Error where the address cannot be had */
  async start(handle: ExchangeHandler): Promise<void> {
    const { certificate, logger } = this.#options;
    this.#handle = handle;
    certificate.onChange(() => this.refresh());
    await this.#follow().catch((error: unknown) => {
      logger.log("error", "The TLS port cannot be opened", { error: this.#problem });
      throw error;
    });
  }

  /** Takes the certificate and the client CA as they are now. */
  refresh(): void {
    const { logger } = this.#options;
    this.#turn = this.#turn.then(() => this.#follow()).catch(() => {
      logger.log("error", "The TLS port cannot be opened", { error: this.#problem });
    });
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    await this.#turn;
    await this.#listener?.close(graceMs);
  }

  async #follow(): Promise<void> {
    const { certificate, clientCa, listen, hostname, port, logger } = this.#options;
    const pair = certificate.current();
    const handle = this.#handle;
    if (pair === undefined || handle === undefined || this.#closed) return;
    const ca = clientCa();
    const { cert, key } = pair;
    const tls = { cert, key, ...(ca === undefined ? {} : { clientCa: ca }) };
    try {
      if (this.#listener === undefined) {
        const flags = { addressFlag: "bind-proxy-address", portFlag: "proxy-secure-port" };
        this.#listener = await listenOn({ listen, hostname, port, handle, tls, ...flags });
        logger.log("info", "Hub listens with TLS", { hostname, port: this.#listener.port });
      } else {
        this.#listener.updateTls(tls);
      }
      this.#problem = undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (this.#listener === undefined) this.#problem = why;
      else logger.log("error", "A certificate cannot be used, going on with the last", { error: why });
      throw error;
    }
  }
}
