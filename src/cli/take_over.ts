import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import type { FlagValues } from "./flag_values.ts";
import { maxConnections } from "./hub_listeners.ts";
import type { PortAddress } from "./port_address.ts";
import { HeldPorts } from "./held_ports.ts";
import { rehearseStart } from "./rehearse_start.ts";
import { TakeoverChannel, TakeoverError, type TakeoverMessage, takeoverProtocol } from "./takeover_channel.ts";
import { version } from "./version.ts";

/** How long the old hub may take to answer and let go of its ports. */
const releaseLimitMs = 5_000;
/** How long it may take to end its answers and to commit. */
const doneLimitMs = 30_000;
/** The kernel takes a killed process apart piece by piece: its connections may end before its locks. */
const lockEndMs = 200;
/** How long a request waits for the new hub. */
const holdMs = 30_000;

export interface TakeOverOptions {
  readonly platform: Platform;
  readonly values: FlagValues;
  readonly logger: Logger;
}

/** A node whose old hub has let go of it. */
export interface TakenOver {
  /** The old hub's ports; requests wait there. */
  readonly ports: HeldPorts;
  /** Tells the old hub that it is not needed any more. To be called once this one answers. */
  finished(): Promise<void>;
  /** Lets the old hub go on, where this one cannot start. */
  giveUp(): Promise<void>;
}

/** The local socket by which the hub of a root folder is asked to hand over. */
export function takeoverPath(values: FlagValues): string {
  return `${values.string("root-dir").replace(/\/+$/, "")}/takeover/hub.sock`;
}

/**
 * Takes the node over from the hub that runs on the same root folder: checks that a start would succeed, has the old one let
 * go of its ports, binds them, and waits until the old one has closed its stores.
 *
 * @returns nothing where no hub runs there
 * @throws TakeoverError where the old hub does not answer or refuses, LocalSocketError where it is somebody else's, and what
 * a start would throw: the old hub goes on then
 */
export async function takeOver(options: TakeOverOptions): Promise<TakenOver | undefined> {
  const { platform, values, logger } = options;
  const path = takeoverPath(values);
  const connection = await platform.localSockets.connect(path);
  if (connection === undefined) {
    logger.log("info", "No hub runs here: nothing is to be taken over", { path });
    return undefined;
  }
  const channel = new TakeoverChannel(connection, platform.clock);
  let ports: HeldPorts | undefined;
  try {
    await rehearseStart({ platform, values });
    ports = await bind(channel, options);
    await ended(channel, options);
  } catch (error) {
    await ports?.closeOthers();
    await channel.close();
    throw error;
  }
  const held = ports;
  return {
    ports: held,
    finished: async () => {
      await held.closeOthers();
      channel.send({ say: "running" });
      await channel.close();
    },
    giveUp: async () => {
      await held.closeOthers();
      await channel.close();
    },
  };
}

async function bind(channel: TakeoverChannel, options: TakeOverOptions): Promise<HeldPorts> {
  const { platform: { clock }, logger } = options;
  channel.send({ say: "take-over", protocol: takeoverProtocol, version });
  const { ports: addresses } = expect("ports", await nextOf(channel, releaseLimitMs));
  await warmUp(addresses, options);
  channel.send({ say: "ready" });
  expect("released", await nextOf(channel, releaseLimitMs));
  const startedAt = clock.monotonic();
  const ports = await hold(addresses, options);
  channel.send({ say: "bound" });
  logger.log("info", "The old hub has let go of its ports: requests wait here", {
    ports: addresses.map(({ port }) => port).join(", "),
    boundInMs: Math.round(clock.monotonic() - startedAt),
  });
  return ports;
}

/** What is done for the first time takes ten times as long: ports of no use are bound before those that clients wait for. */
async function warmUp(addresses: readonly PortAddress[], options: TakeOverOptions): Promise<void> {
  const ports = await hold(addresses.map((address) => ({ ...address, port: 0 })), options);
  await ports.closeOthers();
}

function hold(
  addresses: readonly PortAddress[],
  { platform: { listen, clock }, values }: TakeOverOptions,
): Promise<HeldPorts> {
  return HeldPorts.open(addresses, { listen, clock, holdMs, maxConnections: maxConnections(values) });
}

async function ended(channel: TakeoverChannel, { platform: { clock }, logger }: TakeOverOptions): Promise<void> {
  const message = await nextOf(channel, doneLimitMs);
  if (message === undefined) {
    // Where it holds a lock all the same, opening the stores says so.
    logger.log("warn", "The old hub has gone before it was done: its last commit is what counts");
    return await clock.sleep(lockEndMs, new AbortController().signal);
  }
  expect("done", message);
}

async function nextOf(channel: TakeoverChannel, limitMs: number): Promise<TakeoverMessage | undefined> {
  try {
    return await channel.next(limitMs);
  } catch (error) {
    if (!(error instanceof TakeoverError)) throw error;
    throw new TakeoverError(`Cannot take over from the running hub: ${error.message}`, { cause: error });
  }
}

function expect<Say extends TakeoverMessage["say"]>(
  say: Say,
  message: TakeoverMessage | undefined,
): Extract<TakeoverMessage, { readonly say: Say }> {
  if (message !== undefined && isSaying(say, message)) return message;
  const why = message === undefined
    ? "it has gone"
    : message.say === "refused"
    ? message.reason
    : `it says ${message.say}`;
  throw new TakeoverError(`Cannot take over from the running hub: ${why}`);
}

function isSaying<Say extends TakeoverMessage["say"]>(
  say: Say,
  message: TakeoverMessage,
): message is Extract<TakeoverMessage, { readonly say: Say }> {
  return message.say === say;
}
