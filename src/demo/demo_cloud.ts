import type { Clock } from "../platform/clock.ts";
import type { ExchangeHandler, Listen, Listener } from "../platform/listener.ts";

export interface DemoCloudOptions {
  readonly listen: Listen;
  readonly clock: Clock;
  readonly handle: ExchangeHandler;
  /** @default {0}, a free one; it stays the same over cuts. */
  readonly port?: number;
}

/** An API server on a loopback port whose link can be cut: while it is, connections are refused. */
export interface DemoCloud {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string;
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly port: number;
  readonly isCut: boolean;
  /** Breaks all connections off and refuses new ones. */
  cut(): Promise<void>;
  /** Listens on the same port again. @throws the listener's error where another process keeps the port for 5 s */
  heal(): Promise<void>;
  close(): Promise<void>;
}

const healAttempts = 50;
const healDelayMs = 100;

/** Serves a handler as the cloud of the demo or of a test. @throws the listener's error where the port is taken */
export async function startDemoCloud(options: DemoCloudOptions): Promise<DemoCloud> {
  const listenOn = (port: number): Promise<Listener> =>
    options.listen({ hostname: "127.0.0.1", port, maxConnections: 4096 }, options.handle);
  let listener: Listener | undefined = await listenOn(options.port ?? 0);
  const { port } = listener;
  const cut = async (): Promise<void> => {
    const open = listener;
    listener = undefined;
    await open?.close(0);
  };
  return {
    origin: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    port,
    get isCut(): boolean {
      return listener === undefined;
    },
    cut,
    heal: async () => {
      listener ??= await retry(options.clock, () => listenOn(port));
    },
    close: cut,
  };
}

/** A port that was just closed may be held for a moment, by a client's connection that got the same number. */
async function retry(clock: Clock, listen: () => Promise<Listener>): Promise<Listener> {
  for (let attempt = 1;; attempt++) {
    try {
      return await listen();
    } catch (error) {
      if (attempt === healAttempts) throw error;
      await clock.sleep(healDelayMs, new AbortController().signal);
    }
  }
}
