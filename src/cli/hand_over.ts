import type { Duplex } from "../platform/bytes.ts";
import type { Clock } from "../platform/clock.ts";
import type { LocalListener, LocalSockets } from "../platform/local_sockets.ts";
import type { Logger } from "../platform/logger.ts";
import type { HubPorts } from "./hub_ports.ts";
import { TakeoverChannel, TakeoverError, type TakeoverMessage, takeoverProtocol } from "./takeover_channel.ts";

/** Who connects looks first whether it could start: it reads the stores, on a slow disk beside a hub that writes them. */
const askLimitMs = 30_000;
/** A process that was hung finds what was asked meanwhile, and a moment later that who asked has gone. */
const lookMs = 50;
/** Clients are told for so long not to use their connections again; who uses one less often may find it closed. */
const announceMs = 200;
const readyLimitMs = 5_000;
const bindLimitMs = 5_000;
/** The stores close under answers that go on when none has ended for this long; they may be endless (`logs -f`). */
const drainStepMs = 2_000;
const drainLimitMs = 16_000;
/** How long the new hub may take to start. */
const startLimitMs = 60_000;
/** After one that has failed: it cost clients a second, and would cost it again. */
const pauseMs = 60_000;

/** What has come of earlier tries to take over from this process. */
export class HandOverHistory {
  #failedAt: number | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failed(): void {
    this.#failedAt = this.#clock.monotonic();
  }

  /** Why no successor is let in now; nothing where one is. */
  get refusal(): string | undefined {
    const sinceMs = this.#failedAt === undefined ? pauseMs : this.#clock.monotonic() - this.#failedAt;
    if (sinceMs >= pauseMs) return undefined;
    return `a take-over has failed ${Math.round(sinceMs / 1_000)} s ago; the next is let in ${
      pauseMs / 1_000
    } s after it`;
  }
}

export interface HandOverDoorOptions {
  readonly localSockets: LocalSockets;
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly history: HandOverHistory;
}

/** Where a successor asks a running hub to hand over. */
export class HandOverDoor {
  #asked: Promise<TakeoverChannel> = new Promise(() => undefined);
  readonly #options: HandOverDoorOptions;
  #ask: (channel: TakeoverChannel) => void = () => undefined;
  #listener: LocalListener | undefined;

  constructor(options: HandOverDoorOptions) {
    this.#options = options;
  }

  /** Resolves with the first one that may take over, since it was opened last. */
  get asked(): Promise<TakeoverChannel> {
    return this.#asked;
  }

  /** A hub that cannot be taken over is a hub all the same: why it cannot is logged. */
  async open(): Promise<void> {
    const { localSockets, path, logger } = this.#options;
    this.#asked = new Promise((resolve) => this.#ask = resolve);
    try {
      this.#listener = await localSockets.listen(path, (connection) => void this.#meet(connection));
    } catch (error) {
      logger.log("warn", "No other hub can take over from this one", { error: String(error) });
    }
  }

  close(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  async #meet(connection: Duplex): Promise<void> {
    const { clock, logger, history } = this.#options;
    const channel = new TakeoverChannel(connection, clock);
    try {
      const message = await channel.next(askLimitMs);
      if (message !== undefined) await sleep(clock, lookMs);
      const refusal = message === undefined || channel.isGone ? "it has gone" : refusalOf(message) ??
        (this.#listener === undefined ? "another hub takes over already" : history.refusal);
      if (refusal === undefined) {
        // From here on nobody else is let in, and the path is free for the successor's own.
        this.close();
        return this.#ask(channel);
      }
      logger.log("warn", "Another hub may not take over", { reason: refusal });
      channel.send({ say: "refused", reason: refusal });
    } catch (error) {
      if (!(error instanceof TakeoverError)) throw error;
      logger.log("warn", "Another hub may not take over", { reason: error.message });
    }
    await channel.close();
  }
}

function refusalOf(message: TakeoverMessage): string | undefined {
  if (message.say !== "take-over") return "it does not ask to take over";
  if (message.protocol === takeoverProtocol) return undefined;
  return `it speaks protocol ${message.protocol}, not ${takeoverProtocol}`;
}

/** A hub that runs, as far as handing over needs it. */
export interface HandedOver {
  readonly channel: TakeoverChannel;
  readonly ports: HubPorts;
  readonly clock: Clock;
  /** Ends watches cleanly. */
  readonly drain: () => void;
  /** Closes all that is written on disk. */
  readonly closeStores: () => Promise<void>;
}

/** What has come of it: the successor runs; it has failed, and this hub has let go of the ports; or nothing was changed yet. */
export type HandOverEnd = "replaced" | "refused" | "unchanged";

/**
 * Hands the node over: ports first, once the successor is ready to bind them; then, once it has bound them, watches and
 * answers under way; then the stores.
 */
export async function handOver({ channel, ports, clock, drain, closeStores }: HandedOver): Promise<HandOverEnd> {
  channel.send({ say: "ports", ports: ports.addresses });
  if (!await says(channel, "ready", readyLimitMs)) return "unchanged";
  ports.announceEnd();
  await sleep(clock, announceMs);
  // On its way while the ports are let go of: who comes too early tries again.
  channel.send({ say: "released" });
  const quiet = ports.release();
  if (!await says(channel, "bound", bindLimitMs)) return "refused";
  drain();
  await drained(quiet, ports, clock);
  await closeStores();
  channel.send({ say: "done" });
  return await says(channel, "running", startLimitMs) ? "replaced" : "refused";
}

/** Until no answer is under way, or none ends any more. */
async function drained(quiet: Promise<void>, ports: HubPorts, clock: Clock): Promise<void> {
  let isQuiet = false;
  const ended = quiet.then(() => void (isQuiet = true));
  const deadline = clock.monotonic() + drainLimitMs;
  for (let left = ports.underWay; !isQuiet && clock.monotonic() < deadline;) {
    await Promise.race([ended, sleep(clock, drainStepMs)]);
    if (ports.underWay >= left) return;
    left = ports.underWay;
  }
}

async function says(channel: TakeoverChannel, word: "ready" | "bound" | "running", limitMs: number): Promise<boolean> {
  try {
    return (await channel.next(limitMs))?.say === word;
  } catch (error) {
    if (error instanceof TakeoverError) return false;
    throw error;
  }
}

function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve));
}
