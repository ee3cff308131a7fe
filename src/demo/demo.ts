import type { LogLevel } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import { type DemoWorld, startDemoWorld } from "./demo_world.ts";
import { playStory } from "./story.ts";
import { createTerminal, type Terminal } from "./terminal.ts";

export interface DemoOptions {
  readonly platform: Platform;
  /** End after the story. */
  readonly once: boolean;
  /** Free ones are taken where these are in use. */
  readonly proxyPort: number;
  readonly servePort: number;
  readonly logLevel: LogLevel;
  readonly version: string;
}

/**
 * Plays the story in the terminal, and stays up to be tried unless `once`: `c` cuts and heals the link.
 *
 * @returns 0 where every step was true, else 1
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { platform, once } = options;
  const signal = platform.process.stop;
  const terminal = createTerminal(platform.process);
  const world = await startDemoWorld({ ...options, signal });
  try {
    const allTrue = await playStory(world, terminal);
    terminal.heading(allTrue ? "Every step was true." : "Not every step was true.");
    if (!once) await stayUp(world, { platform, terminal });
    return allTrue ? 0 : 1;
  } catch (error) {
    if (!signal.aborted) throw error;
    return once ? 1 : 0;
  } finally {
    await world.close();
  }
}

async function stayUp(
  world: DemoWorld,
  { platform, terminal }: { readonly platform: Platform; readonly terminal: Terminal },
): Promise<void> {
  const { proxyPort, servePort } = world.hub;
  terminal.line(`
  API through the hub  http://127.0.0.1:${proxyPort}
  status page          http://127.0.0.1:${servePort}/
  the cloud itself     ${world.cloud.origin}

Try it from another terminal:
  kubectl --server http://127.0.0.1:${proxyPort} get pods -A
  kubectl --server http://127.0.0.1:${proxyPort} get pods -w
  curl http://127.0.0.1:${servePort}/readyz?verbose
`);
  terminal.line(
    platform.process.stdout.isTerminal
      ? "Press c to cut and heal the link, Ctrl-C to end."
      : "No terminal, no key to cut and heal the link. SIGTERM ends it.",
  );
  const keys = followKeys(world, { platform, terminal });
  await new Promise<void>((resolve) => {
    if (world.signal.aborted) resolve();
    else world.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await keys;
  terminal.line();
}

async function followKeys(
  { cloud, signal }: DemoWorld,
  { platform, terminal }: { readonly platform: Platform; readonly terminal: Terminal },
): Promise<void> {
  for await (const key of platform.process.keys(signal)) {
    if (key !== "c") continue;
    if (cloud.isCut) await cloud.heal();
    else await cloud.cut();
    terminal.line(cloud.isCut ? "  link cut: reads go on from the replica" : "  link is back");
  }
}
