import { statusResponse } from "../hub/status_response.ts";
import { serviceUnavailable } from "../kube/status.ts";
import type { Clock } from "../platform/clock.ts";
import type { ExchangeHandler, Listen, Listener, ListenOptions } from "../platform/listener.ts";
import type { PortAddress } from "./port_address.ts";

/** From one try to bind a port to the next: the kernel may be about to take it from the process that let go of it. */
const bindRetryMs = 2;
const bindLimitMs = 2_000;
/** Of those that have waited, so many are let in at once: the rest follow as these are answered, or (watches) go on. */
const mostAtOnce = 64;
const followMs = 50;

export interface HeldPortsOptions {
  readonly listen: Listen;
  readonly clock: Clock;
  /** How long a request waits for the hub; then it is answered with 503. */
  readonly holdMs: number;
  /** Of each port. */
  readonly maxConnections: number;
}

/** Ports that are bound before the hub can answer: requests wait, as many as there may be connections. */
export class HeldPorts {
  readonly #ports: readonly HeldPort[];
  readonly #taken = new Set<HeldPort>();

  private constructor(ports: readonly HeldPort[]) {
    this.#ports = ports;
  }

  /** Binds all of them whose addresses this machine has. @throws what `listen` throws where one is taken by somebody else */
  static async open(addresses: readonly PortAddress[], options: HeldPortsOptions): Promise<HeldPorts> {
    const opened = await Promise.allSettled(addresses.map((address) => HeldPort.open(address, options)));
    const ports = opened.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
    // Where its interface is gone the hub makes it anew, and opens the port then.
    const failed = opened.find((each) => each.status === "rejected" && codeOf(each.reason) !== "EADDRNOTAVAIL");
    if (failed?.status !== "rejected") return new HeldPorts(ports);
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
  static async open(address: PortAddress, options: HeldPortsOptions): Promise<HeldPort> {
    const { listen, clock, holdMs, maxConnections } = options;
    const waiting = new Waiting(clock, holdMs);
    const deadline = clock.monotonic() + bindLimitMs;
    for (;;) {
      try {
        return new HeldPort(address, await listen({ ...address, maxConnections }, waiting.handle), waiting);
      } catch (error) {
        if (codeOf(error) !== "EADDRINUSE" || clock.monotonic() >= deadline) throw error;
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

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** One request that waits. */
interface Waiter {
  readonly wake: () => void;
  /** Resolves once it has its answer, or its client has gone. */
  readonly over: Promise<void>;
}

/** Requests that wait. */
class Waiting {
  readonly #clock: Clock;
  readonly #holdMs: number;
  readonly #waiters = new Set<Waiter>();
  #handler: ExchangeHandler | undefined;

  constructor(clock: Clock, holdMs: number) {
    this.#clock = clock;
    this.#holdMs = holdMs;
  }

  serve(handler: ExchangeHandler): void {
    this.#handler = handler;
    void this.#letIn();
  }

  readonly handle: ExchangeHandler = async (request, exchange) => {
    let over = (): void => undefined;
    if (this.#handler === undefined) {
      await this.#wait(exchange.signal, new Promise((resolve) => over = resolve));
    }
    try {
      if (this.#handler !== undefined) return await this.#handler(request, exchange);
      return statusResponse(serviceUnavailable("The hub is not ready yet"));
    } finally {
      over();
    }
  };

  /** In the order in which they came; all at once they would be too many for the hub's limit of requests. */
  async #letIn(): Promise<void> {
    let inside = 0;
    let makeRoom = (): void => undefined;
    for (const { wake, over } of this.#waiters) {
      wake();
      inside++;
      void over.then(() => {
        inside--;
        makeRoom();
      });
      if (inside < mostAtOnce) continue;
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimer(followMs, () => {
          inside = 0;
          resolve();
        });
        makeRoom = () => {
          timer.cancel();
          resolve();
        };
      });
    }
  }

  /** Until there is a handler that has room for it, the time is up, or the client has gone. */
  #wait(gone: AbortSignal, over: Promise<void>): Promise<void> {
    if (gone.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        gone.removeEventListener("abort", wake);
        this.#waiters.delete(waiter);
        resolve();
      };
      const timer = this.#clock.setTimer(this.#holdMs, wake);
      const waiter = { wake, over };
      this.#waiters.add(waiter);
      gone.addEventListener("abort", wake);
    });
  }
}
