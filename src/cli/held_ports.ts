import { statusResponse } from "../hub/status_response.ts";
import { serviceUnavailable } from "../kube/status.ts";
import type { Clock } from "../platform/clock.ts";
import type { ExchangeHandler, Listen, Listener, ListenOptions } from "../platform/listener.ts";
import type { PortAddress } from "./port_address.ts";

/** From one try to bind a port to the next: the kernel may be about to take it from the process that let go of it. */
const bindRetryMs = 2;
const bindLimitMs = 2_000;

export interface HeldPortsOptions {
  readonly listen: Listen;
  readonly clock: Clock;
  /** How long a request waits for the hub; then it is answered with 503. */
  readonly holdMs: number;
}

/** Ports that are bound before the hub can answer: requests wait, as many as there may be connections. */
export class HeldPorts {
  readonly #ports: readonly HeldPort[];
  readonly #taken = new Set<HeldPort>();

  private constructor(ports: readonly HeldPort[]) {
    this.#ports = ports;
  }

  /** Binds all of them. @throws what `listen` throws where one is taken by somebody else */
  static async open(addresses: readonly PortAddress[], options: HeldPortsOptions): Promise<HeldPorts> {
    const opened = await Promise.allSettled(addresses.map((address) => HeldPort.open(address, options)));
    const ports = opened.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
    const failed = opened.find((each) => each.status === "rejected");
    if (failed === undefined) return new HeldPorts(ports);
    await Promise.all(ports.map((port) => port.close()));
    throw failed.reason;
  }

  /** The one at this address, for whoever takes it first. */
  take({ hostname, port }: ListenOptions): HeldPort | undefined {
    const found = this.#ports.find((held) =>
      held.hostname === hostname && held.port === port && !this.#taken.has(held)
    );
    if (found !== undefined) this.#taken.add(found);
    return found;
  }

  /** Closes those that nobody has taken: this hub does not listen there. */
  async closeOthers(): Promise<void> {
    await Promise.all(this.#ports.filter((port) => !this.#taken.has(port)).map((port) => port.close()));
  }
}

/** A port whose requests wait for their handler. */
export class HeldPort {
  readonly hostname: string;
  readonly port: number;
  readonly #address: PortAddress;
  readonly #listener: Listener;
  readonly #waiting: Waiting;

  private constructor(address: PortAddress, listener: Listener, waiting: Waiting) {
    this.hostname = address.hostname;
    this.port = address.port;
    this.#address = address;
    this.#listener = listener;
    this.#waiting = waiting;
  }

  /** Tries for up to two seconds where the port is taken. */
  static async open(address: PortAddress, { listen, clock, holdMs }: HeldPortsOptions): Promise<HeldPort> {
    const waiting = new Waiting(clock, holdMs);
    const deadline = clock.monotonic() + bindLimitMs;
    for (;;) {
      try {
        return new HeldPort(address, await listen(address, waiting.handle), waiting);
      } catch (error) {
        const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
        if (!isTaken || clock.monotonic() >= deadline) throw error;
        await clock.sleep(bindRetryMs, new AbortController().signal);
      }
    }
  }

  /** Whether it can be used for this: TLS, and whether client certificates are asked for, cannot be changed any more. */
  serves({ tls }: ListenOptions): boolean {
    const held = this.#address.tls;
    return (tls === undefined) === (held === undefined) &&
      (tls?.clientCa === undefined) === (held?.clientCa === undefined);
  }

  /** Gives all that waits to its handler. */
  serve({ tls }: ListenOptions, handler: ExchangeHandler): Listener {
    if (tls !== undefined) this.#listener.updateTls(tls);
    this.#waiting.serve(handler);
    return this.#listener;
  }

  async close(): Promise<void> {
    this.#waiting.serve(() => statusResponse(serviceUnavailable("The hub does not listen here any more")));
    await this.#listener.close(0);
  }
}

/** Requests that wait. */
class Waiting {
  readonly #clock: Clock;
  readonly #holdMs: number;
  readonly #wakes = new Set<() => void>();
  #handler: ExchangeHandler | undefined;

  constructor(clock: Clock, holdMs: number) {
    this.#clock = clock;
    this.#holdMs = holdMs;
  }

  serve(handler: ExchangeHandler): void {
    this.#handler = handler;
    for (const wake of this.#wakes) wake();
  }

  readonly handle: ExchangeHandler = async (request, exchange) => {
    if (this.#handler === undefined) await this.#wait(exchange.signal);
    if (this.#handler !== undefined) return await this.#handler(request, exchange);
    return statusResponse(serviceUnavailable("The hub is not ready yet"));
  };

  /** Until there is a handler, the time is up, or the client has gone. */
  #wait(gone: AbortSignal): Promise<void> {
    if (gone.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        gone.removeEventListener("abort", wake);
        this.#wakes.delete(wake);
        resolve();
      };
      const timer = this.#clock.setTimer(this.#holdMs, wake);
      this.#wakes.add(wake);
      gone.addEventListener("abort", wake);
    });
  }
}
