import type { Hub } from "../hub/hub.ts";
import type { Clock } from "../platform/clock.ts";
import type { CommandContext } from "./command.ts";
import { handOver, HandOverDoor, HandOverHistory } from "./hand_over.ts";
import { hubFlags } from "./hub_flags.ts";
import { workingModeOf } from "./hub_link_options.ts";
import { HubPorts } from "./hub_ports.ts";
import type { LevelLogger } from "./level_logger.ts";
import { HubReload } from "./reload_hub.ts";
import type { TakeoverChannel } from "./takeover_channel.ts";
import { wantsTakeover } from "./takeover_flags.ts";
import { type TakenOver, takeOver, takeoverPath } from "./take_over.ts";

/** What a hub is started with. */
export interface HubStart extends CommandContext {
  /** What `platform.listen` opens. */
  readonly ports: HubPorts;
  /** Makes what SIGHUP reloads. @param reloadIdentity reads the files of the node's identity now */
  readonly reloading: (reloadIdentity: () => Promise<void>) => HubReload;
}

/** What a start writes to. */
export interface Starting {
  readonly logger: LevelLogger;
  /** What has been opened so far; closed in reverse. */
  readonly cleanup: Cleanup;
  /** Closed after all that: what answers under way still need, and nothing that is written on disk. */
  readonly tail: Cleanup;
}

type Cleanup = (() => Promise<void>)[];

export interface HubLifeOptions {
  readonly logger: LevelLogger;
  /** Time that answers under way have to end when the hub stops. */
  readonly stopGraceMs: number;
  readonly start: (start: HubStart, starting: Starting) => Promise<Hub>;
}

/**
 * Runs a hub until the process is told to stop or another process has taken the node over: taking it over itself first, where
 * that is wanted, and again where a successor fails after this one has let go.
 *
 * @throws what `start` throws, TakeoverError
 */
export async function runUntilReplaced(context: CommandContext, options: HubLifeOptions): Promise<void> {
  const { platform, values } = context;
  const { logger } = options;
  const { stop } = platform.process;
  const history = new HandOverHistory(platform.clock);
  const tails: Promise<void>[] = [];
  const reloads: HubReload[] = [];
  platform.process.onHangup(() => void reloads.at(-1)?.reload());
  let taken = wantsTakeover(values) ? await takeOver({ platform, values, logger }) : undefined;
  for (;;) {
    const end = await runOnce(context, {
      ...options,
      history,
      tails,
      reloads,
      ...(taken === undefined ? {} : { taken }),
    });
    if (end !== "refused" || stop.aborted) break;
    history.failed();
    taken = undefined;
    logger.log("error", "The other hub has not started: this one takes the node back");
  }
  await Promise.all(tails);
}

interface OneLife extends HubLifeOptions {
  readonly history: HandOverHistory;
  /** Old connections that end by themselves: nobody waits for them before the ports are opened again. */
  readonly tails: Promise<void>[];
  /** The last one is what SIGHUP reloads. */
  readonly reloads: HubReload[];
  readonly taken?: TakenOver;
}

/** @returns how it ended: told to stop, replaced, or let go for a successor that did not start */
async function runOnce(context: CommandContext, life: OneLife): Promise<"stopped" | "replaced" | "refused"> {
  const { platform } = context;
  const { logger, taken } = life;
  const { clock, process: { stop } } = platform;
  const ports = new HubPorts({
    ...{ listen: platform.listen, clock },
    ...(taken === undefined ? {} : { held: taken.ports }),
  });
  const cleanup: Cleanup = [];
  const tail: Cleanup = [];
  try {
    const hub = await begin(context, life, { ports, cleanup, tail });
    const door = doorOf(context, life);
    cleanup.push(() => Promise.resolve(door?.close()));
    await door?.open();
    await taken?.finished();
    const asked = await Promise.race([stopped(stop), ...(door === undefined ? [] : [door.asked])]);
    if (asked !== undefined) return await giveAway(hub, { channel: asked, ports, cleanup, clock, logger });
    logger.log("info", "Hub stops");
    await drained(hub, { ports, clock, graceMs: life.stopGraceMs });
    return "stopped";
  } catch (error) {
    await taken?.giveUp();
    throw error;
  } finally {
    await closeAll(cleanup);
    life.tails.push(closeAll(tail));
  }
}

interface Opened extends Pick<Starting, "cleanup" | "tail"> {
  readonly ports: HubPorts;
}

async function begin(
  context: CommandContext,
  { logger, start, reloads }: OneLife,
  { ports, cleanup, tail }: Opened,
): Promise<Hub> {
  const { platform, values, resolve } = context;
  const { uid } = platform.process;
  const reloading = (reloadIdentity: () => Promise<void>): HubReload => {
    const defaultUids = [0, ...(uid === undefined ? [] : [uid])];
    const reload = new HubReload({ flags: hubFlags, values, resolve, logger, defaultUids, reloadIdentity });
    reloads.push(reload);
    return reload;
  };
  const listening = { ...platform, listen: ports.listen };
  return await start({ ...context, platform: listening, ports, reloading }, { logger, cleanup, tail });
}

/** In cloud mode nothing is left on disk, by which another hub could be found. */
function doorOf({ platform, values }: CommandContext, { logger, history }: OneLife): HandOverDoor | undefined {
  if (workingModeOf(values) === "cloud") return undefined;
  const { localSockets, clock } = platform;
  return new HandOverDoor({ localSockets, path: takeoverPath(values), clock, logger, history });
}

interface Giving extends Pick<Opened, "ports" | "cleanup"> {
  readonly channel: TakeoverChannel;
  readonly clock: Clock;
  readonly logger: LevelLogger;
}

async function giveAway(hub: Hub, { channel, ports, cleanup, clock, logger }: Giving): Promise<"replaced" | "refused"> {
  logger.log("info", "Hub hands over to another process");
  const isReplaced = await handOver({
    ...{ channel, ports, clock },
    drain: () => hub.drain(),
    closeStores: () => closeAll(cleanup),
  });
  if (isReplaced) logger.log("info", "Another process has taken over");
  await channel.close();
  return isReplaced ? "replaced" : "refused";
}

/** Lets watches end, and answers under way for as long as the grace is. */
async function drained(
  hub: Hub,
  { ports, clock, graceMs }: { readonly ports: HubPorts; readonly clock: Clock; readonly graceMs: number },
): Promise<void> {
  const quiet = ports.release();
  hub.drain();
  await Promise.race([quiet, new Promise<void>((resolve) => void clock.setTimer(graceMs, resolve))]);
}

/** Closes in reverse what was opened. */
async function closeAll(cleanup: Cleanup): Promise<void> {
  while (cleanup.length > 0) await cleanup.pop()?.();
}

function stopped(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
