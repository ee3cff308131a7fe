import { z } from "zod";
import type { Duplex } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import type { PortAddress } from "./port_address.ts";

/** Another protocol is refused: the old hub then goes on. */
export const takeoverProtocol = 1;
/** Of one message: it may hold the certificates of a few ports. */
const maxMessageBytes = 256 * 1024;
/** Messages that nobody has asked for yet: each waits for an answer to the one before. */
const maxWaiting = 8;

/** What two hubs say to each other when one takes over from the other: the new one and the old one in turn. */
export type TakeoverMessage =
  | { readonly say: "take-over"; readonly protocol: number; readonly version: string }
  | { readonly say: "refused"; readonly reason: string }
  | { readonly say: "ports"; readonly ports: readonly PortAddress[] }
  | { readonly say: "ready" }
  | { readonly say: "released" }
  | { readonly say: "bound" }
  | { readonly say: "done" }
  | { readonly say: "running" };

const tlsSchema = z.object({ cert: z.string(), key: z.string(), clientCa: z.string().exactOptional() });
const portSchema = z.object({ hostname: z.string(), port: z.number().int(), tls: tlsSchema.exactOptional() });

const messageSchema: z.ZodType<TakeoverMessage> = z.discriminatedUnion("say", [
  z.object({ say: z.literal("take-over"), protocol: z.number(), version: z.string() }),
  z.object({ say: z.literal("refused"), reason: z.string() }),
  z.object({ say: z.literal("ports"), ports: z.array(portSchema) }),
  z.object({ say: z.literal("ready") }),
  z.object({ say: z.literal("released") }),
  z.object({ say: z.literal("bound") }),
  z.object({ say: z.literal("done") }),
  z.object({ say: z.literal("running") }),
]);

/** Why two hubs cannot go on with each other; in words for the log. */
export class TakeoverError extends Error {
  override readonly name = "TakeoverError";
}

/** The connection between the old hub and the new one: a JSON object on each line. */
export class TakeoverChannel {
  readonly #connection: Duplex;
  readonly #clock: Clock;
  readonly #messages: TakeoverMessage[] = [];
  #failure: TakeoverError | undefined;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(connection: Duplex, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    void this.#read();
  }

  /** Whether the other side has gone, or half gone: who waits for an answer stays. */
  get isGone(): boolean {
    return this.#ended;
  }

  send(message: TakeoverMessage): void {
    void this.#connection.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
  }

  /**
   * Waits for the other side's next word.
   *
   * @returns nothing where it has gone
   * @throws TakeoverError where it says nothing within `limitMs`, or what nobody understands
   */
  async next(limitMs: number): Promise<TakeoverMessage | undefined> {
    let late = false;
    const timer = this.#clock.setTimer(limitMs, () => {
      late = true;
      this.#wake();
    });
    try {
      for (;;) {
        const message = this.#messages.shift();
        if (message !== undefined) return message;
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#ended) return undefined;
        if (late) throw new TakeoverError(`it has said nothing for ${limitMs / 1_000} s`);
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      timer.cancel();
    }
  }

  /** Resolves once the other side has got what was sent, or has gone. */
  async close(): Promise<void> {
    this.#connection.end();
    const timer = this.#clock.setTimer(1_000, () => this.#connection.destroy());
    while (!this.#ended) await new Promise<void>((resolve) => this.#wake = resolve);
    timer.cancel();
    this.#connection.destroy();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let text = "";
    try {
      for await (const chunk of this.#connection.source) {
        text += decoder.decode(chunk, { stream: true });
        const lines = text.split("\n");
        text = lines.pop() ?? "";
        if (text.length > maxMessageBytes) throw new TakeoverError("it says too much at once");
        for (const line of lines) this.#messages.push(readMessage(line));
        if (this.#messages.length > maxWaiting) throw new TakeoverError("it says too much at once");
        this.#wake();
      }
    } catch (error) {
      // A connection that breaks has ended: the other process was killed.
      if (error instanceof TakeoverError) this.#failure = error;
    }
    this.#ended = true;
    this.#wake();
  }
}

function readMessage(line: string): TakeoverMessage {
  try {
    return messageSchema.parse(JSON.parse(line));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw new TakeoverError("it says what this version does not understand", { cause: error });
    }
    throw error;
  }
}
