import type { Clock } from "../platform/clock.ts";
import type { ExchangeHandler, Listen, Listener, ListenOptions } from "../platform/listener.ts";
import type { HeldPorts } from "./held_ports.ts";
import type { PortAddress } from "./port_address.ts";

export interface HubPortsOptions {
  readonly listen: Listen;
  readonly clock: Clock;
  /** That were bound already when the hub before this one let go of them. */
  readonly held?: HeldPorts;
}

/** All ports of one hub: opened one by one, let go and closed together. */
export class HubPorts {
  readonly #options: HubPortsOptions;
  readonly #open = new Map<Listener, PortAddress>();
  #releasedAt: number | undefined;

  constructor(options: HubPortsOptions) {
    this.#options = options;
  }

  /** Opens a port; one that is held already begins to answer. */
  readonly listen: Listen = async (options, handler) => {
    if (this.#releasedAt !== undefined) throw new Error("the hub is about to end");
    const listener = await this.#openOne(options, handler);
    this.#open.set(listener, addressOf(listener, options));
    return {
      hostname: listener.hostname,
      port: listener.port,
      get counts() {
        return listener.counts;
      },
      updateTls: (tls) => {
        listener.updateTls(tls);
        this.#open.set(listener, addressOf(listener, { ...options, tls }));
      },
      get underWay(): number {
        return listener.underWay;
      },
      announceEnd: () => listener.announceEnd(),
      release: () => listener.release(),
      // Once they are let go they end together.
      close: async (graceMs) => {
        if (this.#releasedAt !== undefined) return;
        this.#open.delete(listener);
        await listener.close(graceMs);
      },
    };
  };

  get addresses(): readonly PortAddress[] {
    return [...this.#open.values()];
  }

  /** Answers under way, those of upgraded connections aside. */
  get underWay(): number {
    return [...this.#open.keys()].reduce((sum, listener) => sum + listener.underWay, 0);
  }

  /** From now on clients are told not to use their connections again. */
  announceEnd(): void {
    for (const listener of this.#open.keys()) listener.announceEnd();
  }

  /** Stops listening before it returns. Resolves once no answer is under way, upgraded connections aside. */
  async release(): Promise<void> {
    this.#releasedAt ??= this.#options.clock.monotonic();
    await Promise.all([...this.#open.keys()].map((listener) => listener.release()));
  }

  /** Lets answers and upgraded connections end until `graceMs` after the release, then breaks them off. */
  async close(graceMs: number): Promise<void> {
    const { clock } = this.#options;
    this.#releasedAt ??= clock.monotonic();
    const leftMs = Math.max(0, graceMs - (clock.monotonic() - this.#releasedAt));
    await Promise.all([...this.#open.keys()].map((listener) => listener.close(leftMs)));
  }

  async #openOne(options: ListenOptions, handler: ExchangeHandler): Promise<Listener> {
    const held = this.#options.held?.take(options);
    if (held?.serves(options) === true) return held.serve(options, handler);
    await held?.close();
    return await this.#options.listen(options, handler);
  }
}

function addressOf({ hostname, port }: Listener, { tls }: ListenOptions): PortAddress {
  return { hostname, port, ...(tls === undefined ? {} : { tls }) };
}
