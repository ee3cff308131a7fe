import { createLogger } from "../../adapters/shared/logger.ts";
import { hubCommand } from "../../src/cli/hub_command.ts";
import { runCommand } from "../../src/cli/run_command.ts";
import type { Clock } from "../../src/platform/clock.ts";
import type { Commands } from "../../src/platform/commands.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { currentPlatform } from "./current_platform.ts";

/** Flags by name, as texts. */
export type FlagTexts = Readonly<Record<string, string>>;

export interface RunHubOptions {
  readonly flags: FlagTexts;
  readonly clock: Clock;
  /** In place of the system's programs. */
  readonly commands: Commands;
}

/** `holdfast hub` in this process, on this runtime, but for its clock and the system's programs. */
export interface HubInProcess {
  /** Origin of the plain proxy. */
  readonly proxy: string;
  /** Origin of the status server. */
  readonly status: string;
  /** All that it has written to standard error. */
  readonly log: () => string;
  /** Tells it to stop. @returns the exit code */
  stop(): Promise<number>;
}

/** How a hub that did not start ended. */
export interface HubEnd {
  readonly exitCode: number;
  readonly log: string;
}

let platform: Promise<Platform> | undefined;

/** Starts one; resolves when it listens or has ended. */
export async function runHub({ flags, clock, commands }: RunHubOptions): Promise<HubInProcess | HubEnd> {
  const stopping = new AbortController();
  let log = "";
  let listening = (): void => undefined;
  const listens = new Promise<"listens">((resolve) => listening = () => resolve("listens"));
  const write = (text: string): void => {
    log += text;
    if (log.includes("Hub listens") && /status"?[=:]/.test(log)) listening();
  };
  const given = Object.fromEntries(Object.entries(flags).map(([name, text]) => [name, [text]]));
  const ended = runCommand({
    platform: await platformWith({ clock, commands, write, stop: stopping.signal }),
    command: hubCommand,
    given,
    rest: [],
    runtimeVersion: "test",
  });
  const first = await Promise.race([listens, ended]);
  if (first !== "listens") return { exitCode: first, log };
  const origin = (of: string) => new RegExp(`${of}"?[=:]"?(http://[^\\s"]+)`).exec(log)?.[1] ?? "";
  return {
    proxy: origin("proxy"),
    status: origin("status"),
    log: () => log,
    stop: () => {
      stopping.abort(new Error("Stopped by the test"));
      return ended;
    },
  };
}

interface Replaced extends Pick<RunHubOptions, "clock" | "commands"> {
  readonly write: (text: string) => void;
  readonly stop: AbortSignal;
}

async function platformWith({ clock, commands, write, stop }: Replaced): Promise<Platform> {
  platform ??= currentPlatform();
  const current = await platform;
  const { system, uid, stdout, keys } = current.process;
  return {
    ...current,
    clock,
    commands,
    createLogger: (options) => createLogger({ ...options, write }),
    // Not a copy: to read `stop` would take the test's own signals over.
    process: { environment: {}, system, uid, stdout, keys, stderr: { write }, stop, onHangup: () => undefined },
  };
}
