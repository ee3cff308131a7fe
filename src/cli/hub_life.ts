import type { Hub } from "../hub/hub.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { CommandContext } from "./command.ts";
import { handOver, HandOverDoor, type HandOverEnd, HandOverHistory } from "./hand_over.ts";
import { hubFlags } from "./hub_flags.ts";
import { workingModeOf } from "./hub_link_options.ts";
import { HubPorts } from "./hub_ports.ts";
import type { ProgramLog } from "./program_log.ts";
import { HubReload } from "./reload_hub.ts";
import type { TakeoverChannel } from "./takeover_channel.ts";
import { wantsTakeover } from "./takeover_flags.ts";
import { type TakenOver, takeOver, takeoverPath } from "./take_over.ts";

/** What a hub is started with. */
export interface HubStart extends CommandContext {
  /** What `platform.listen` opens. */
  readonly ports: HubPorts;
  /** What SIGHUP changes. */
  readonly reload: HubReload;
}

/** What a start writes to. */
export interface Starting extends ProgramLog {
  /** What has been opened so far; closed in reverse. */
  readonly cleanup: Cleanup;
  /** Closed after all that: what answers under way still need, and nothing that is written on disk. */
  readonly tail: Cleanup;
  /** Taken back from the node last of all, where no other hub goes on with it. */
  readonly leaving: Cleanup;
}

type Cleanup = (() => Promise<void>)[];

export interface HubLifeOptions {
  readonly log: ProgramLog;
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
  const { logger } = options.log;
  const { stop } = platform.process; // taken over now: a hub that is told to stop while it starts ends cleanly too
  const history = new HandOverHistory(platform.clock);
  const tails: Promise<void>[] = [];
  const reload = reloadOf(context, options);
  platform.process.onHangup(() => void reload.reload());
  let taken = wantsTakeover(values) ? await takeOver({ platform, values, logger }) : undefined;
  try {
    for (;;) {
      const given = taken === undefined ? {} : { taken };
      const end = await runOnce(context, { ...options, history, tails, reload, ...given });
      if (end !== "refused" || stop.aborted) break;
      history.failed();
      taken = undefined;
      logger.log("error", "The other hub has not started: this one takes the node back");
    }
  } finally {
    await Promise.all(tails);
  }
}

function reloadOf({ platform, values, resolve }: CommandContext, { log }: HubLifeOptions): HubReload {
  const { uid } = platform.process;
  const defaultUids = [0, ...(uid === undefined ? [] : [uid])];
  return new HubReload({ flags: hubFlags, values, resolve, log, defaultUids });
}

interface OneLife extends HubLifeOptions {
  readonly history: HandOverHistory;
  /** Old connections that end by themselves: nobody waits for them before the ports are opened again. */
  readonly tails: Promise<void>[];
  readonly reload: HubReload;
  readonly taken?: TakenOver;
}

/**
 * How a hub ended: told to stop; told so before it had taken over, so that the hub before it goes on; replaced; or let go for
 * a successor that did not start.
 */
type End = "stopped" | "declined" | Exclude<HandOverEnd, "unchanged">;

async function runOnce(context: CommandContext, life: OneLife): Promise<End> {
  const { listen, clock } = context.platform;
  const { taken } = life;
  const ports = new HubPorts({ listen, clock, ...(taken === undefined ? {} : { held: taken.ports }) });
  const opened: Opened = { ports, cleanup: [], tail: [], leaving: [] };
  let end: End | undefined;
  try {
    end = await live(context, life, opened);
    return end;
  } finally {
    const isBack = taken !== undefined && (end === undefined || end === "declined");
    void ports.release();
    await closeAll(opened.cleanup);
    // Only now: the hub before this one needs all of it again.
    if (isBack) await taken.giveUp();
    const isLast = end === "stopped" || (end === undefined && !isBack) ||
      (end === "refused" && context.platform.process.stop.aborted);
    life.tails.push(closeAll(opened.tail).then(() => isLast ? closeAll(opened.leaving) : undefined));
  }
}

interface Opened extends Pick<Starting, "cleanup" | "tail" | "leaving"> {
  readonly ports: HubPorts;
}

/** From a hub's start to its end; what is opened meanwhile stays open. @throws where it cannot start */
async function live(context: CommandContext, life: OneLife, opened: Opened): Promise<End> {
  const { clock, process: { stop } } = context.platform;
  const { log, log: { logger }, taken, reload, start } = life;
  const { ports, cleanup } = opened;
  const platform = { ...context.platform, listen: ports.listen };
  const hub = await start({ ...context, platform, ports, reload }, { ...log, ...opened });
  if (taken !== undefined && stop.aborted) {
    logger.log("info", "Hub stops before it has taken over: the old one goes on");
    return "declined";
  }
  const door = doorOf(context, life);
  cleanup.push(() => Promise.resolve(door?.close()));
  await door?.open();
  await taken?.finished();
  for (;;) {
    const channel = await Promise.race([stopped(stop), ...(door === undefined ? [] : [door.asked])]);
    if (channel === undefined) break;
    const end = await giveAway(hub, { channel, ports, cleanup, clock, logger });
    if (end !== "unchanged") return end;
    await door?.open();
  }
  logger.log("info", "Hub stops");
  door?.close();
  await drained(hub, { ports, clock, graceMs: life.stopGraceMs });
  return "stopped";
}

/** In cloud mode nothing is left on disk, by which another hub could be found. */
function doorOf({ platform, values }: CommandContext, { log: { logger }, history }: OneLife): HandOverDoor | undefined {
  if (workingModeOf(values) === "cloud") return undefined;
  const { localSockets, clock } = platform;
  return new HandOverDoor({ localSockets, path: takeoverPath(values), clock, logger, history });
}

interface Giving extends Pick<Opened, "ports" | "cleanup"> {
  readonly channel: TakeoverChannel;
  readonly clock: Clock;
  readonly logger: Logger;
}

async function giveAway(hub: Hub, { channel, ports, cleanup, clock, logger }: Giving): Promise<HandOverEnd> {
  logger.log("info", "Hub hands over to another process");
  const end = await handOver({
    ...{ channel, ports, clock },
    drain: () => hub.drain(),
    closeStores: () => closeAll(cleanup),
  });
  if (end === "replaced") logger.log("info", "Another process has taken over");
  if (end === "unchanged") logger.log("warn", "The other process is not ready to take over: this hub goes on");
  await channel.close();
  return end;
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
