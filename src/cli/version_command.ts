import { type BuildData, buildData } from "./build_data.ts";
import { outputFlag } from "./cache_flags.ts";
import type { Command, CommandContext } from "./command.ts";
import { formatJson, formatYaml } from "./exact_json.ts";
import { version } from "./version.ts";

/** What `holdfast version --output=json` says. */
interface VersionAnswer extends BuildData {
  /** Also that of `/v1/status`, as is `runtime`. */
  readonly version: string;
  readonly runtime: string;
  readonly runtimeVersion: string;
  /** `linux/amd64` */
  readonly platform: string;
}

/** `holdfast version`. */
export const versionCommand: Command = {
  name: "version",
  summary: "Prints the version of holdfast and of the runtime, and what it was built from",
  flags: [outputFlag(["text", "json", "yaml"])],
  run: (context) => {
    context.platform.process.stdout.write(written(answerOf(context), context.values.string("output")));
    return Promise.resolve(0);
  },
};

/** `holdfast 0.1.0 (bun 1.4.5)`. */
export function versionText(runtime: string, runtimeVersion: string): string {
  return `holdfast ${version} (${runtime} ${runtimeVersion})\n`;
}

function answerOf({ platform, runtimeVersion }: CommandContext): VersionAnswer {
  return { version, ...buildData, runtime: platform.runtime, runtimeVersion, platform: platform.process.system };
}

function written(answer: VersionAnswer, format: string): string {
  if (format === "json") return `${formatJson(answer)}\n`;
  if (format === "yaml") return formatYaml(answer);
  const { runtime, runtimeVersion, gitCommit, gitTreeState, buildDate, platform } = answer;
  const state = gitTreeState === "dirty" ? " (and changes beside it)" : "";
  return [
    versionText(runtime, runtimeVersion).trimEnd(),
    `commit    ${gitCommit}${state}`,
    `built     ${buildDate}`,
    `platform  ${platform}`,
    "",
  ].join("\n");
}
