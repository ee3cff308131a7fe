import type { Command } from "./command.ts";
import { version } from "./version.ts";

/** `holdfast version`. */
export const versionCommand: Command = {
  name: "version",
  summary: "Prints the version of holdfast and of the runtime",
  flags: [],
  run: ({ platform, runtimeVersion }) => {
    platform.process.stdout.write(versionText(platform.runtime, runtimeVersion));
    return Promise.resolve(0);
  },
};

/** `holdfast 0.1.0 (bun 1.4.5)`. */
export function versionText(runtime: string, runtimeVersion: string): string {
  return `holdfast ${version} (${runtime} ${runtimeVersion})\n`;
}
