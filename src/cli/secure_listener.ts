import type { ServingCertificate } from "../identity/serving_certificate.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { ExchangeHandler, Listen, Listener, ListenerCounts } from "../platform/listener.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { listenOn } from "./listen_on.ts";

export interface SecureListenerOptions {
  readonly listen: Listen;
  readonly hostname: string;
  /** The flag that chose it, for errors. */
  readonly addressFlag: string;
  readonly port: number;
  readonly maxConnections: number;
  readonly certificate: Pick<ServingCertificate, "current" | "onChange">;
  /** Whose client certificates count, PEM; missing where none can be told from another. */
  readonly clientCa: () => string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** From one try to open it to the next, doubling, with jitter. */
const retryMs = { first: 1_000, most: 60_000 };

/**
 * The TLS port: it opens with the first certificate and takes each that follows without cutting a connection. Until then, and
 * where its address cannot be had, it says why; that is tried again until it can.
 */
export class SecureListener {
  readonly #options: SecureListenerOptions;
  #listener: Listener | undefined;
  #problem: string | undefined = "there is no serving certificate yet";
  #handle: ExchangeHandler | undefined;
  #closed = false;
  #turn: Promise<void> = Promise.resolve();
  #retry: Timer | undefined;
  #retryMs = retryMs.first;
  #logged: string | undefined;
  readonly #changed = new Set<() => void>();

  constructor(options: SecureListenerOptions) {
    this.#options = options;
  }

  /** Why it is not open; nothing where it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** On which it is open; nothing where it is not. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  /** Calls back after it was opened. */
  onChange(listener: () => void): void {
    this.#changed.add(listener);
  }

  get counts(): ListenerCounts {
    return this.#listener?.counts ?? { open: 0, refused: 0, slow: 0 };
  }

  /** Opens it where there is a certificate, and follows the certificate. Resolves after the first try. */
  async start(handle: ExchangeHandler): Promise<void> {
    this.#handle = handle;
    this.#options.certificate.onChange(() => this.refresh());
    this.refresh();
    await this.#turn;
  }

  /** Takes the certificate and the client CA as they are now. */
  refresh(): void {
    this.#turn = this.#turn.then(() => this.#follow());
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.#turn;
    await this.#listener?.close(graceMs);
  }

  async #follow(): Promise<void> {
    const { certificate, clientCa, listen, hostname, addressFlag, port, maxConnections, logger } = this.#options;
    const pair = certificate.current();
    const handle = this.#handle;
    if (pair === undefined || handle === undefined || this.#closed) return;
    this.#retry?.cancel();
    const ca = clientCa();
    const { cert, key } = pair;
    const tls = { cert, key, ...(ca === undefined ? {} : { clientCa: ca }) };
    try {
      if (this.#listener === undefined) {
        const flags = { addressFlag, portFlag: "proxy-secure-port" };
        this.#listener = await listenOn({ listen, hostname, port, handle, tls, maxConnections, ...flags });
        this.#problem = undefined;
        for (const changed of [...this.#changed]) changed();
        logger.log("info", "Hub listens with TLS", { hostname, port: this.#listener.port });
      } else {
        this.#listener.updateTls(tls);
      }
      this.#problem = undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (this.#listener === undefined) this.#failed(why);
      else logger.log("error", "A certificate cannot be used, going on with the last", { error: why });
    }
  }

  #failed(why: string): void {
    const { clock, random, logger } = this.#options;
    this.#problem = why;
    // Once, however often it is tried.
    if (why !== this.#logged) logger.log("error", "The TLS port cannot be opened, trying again", { error: why });
    this.#logged = why;
    if (this.#closed) return;
    this.#retry = clock.setTimer(this.#retryMs * (0.5 + random.float() / 2), () => this.refresh());
    this.#retryMs = Math.min(this.#retryMs * 2, retryMs.most);
  }
}
