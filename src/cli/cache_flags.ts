import type { Argument } from "./command.ts";
import { commonFlags } from "./common_flags.ts";
import type { Flag } from "./flag.ts";
import { hubFlags } from "./hub_flags.ts";

/** How `--output` may be written, in the order of its help. */
export type OutputFormat = "table" | "text" | "json" | "yaml" | "name";

/** Where the hub keeps what is asked about: its own flags, from its own file. */
export const storageFlags: readonly Flag[] = [
  ...hubFlagsNamed("root-dir", "disk-cache-path"),
  ...hubFlagsNamed("storage-key-file").map((flag) => ({
    ...flag,
    defaultHelp: "the systemd credential holdfast-storage-key, else <root-dir>/storage.key",
  })),
  ...commonFlags.filter(({ name }) => name === "config"),
];

/** Where the status server of a running hub listens. */
export const statusServerFlags: readonly Flag[] = hubFlagsNamed("bind-address", "serve-port").map((flag) => ({
  ...flag,
  help: `${flag.type === "integer" ? "port" : "address"} of the status server of the hub, where that runs`,
  group: "Running hub",
}));

export const namespaceFlag: Flag = {
  name: "namespace",
  short: "n",
  type: "string",
  default: "",
  defaultHelp: "all",
  placeholder: "NAMESPACE",
  help: "of this namespace only",
  group: "Selection",
  commandLineOnly: true,
  check: (text) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text) ? undefined : "must be the name of a namespace",
};

/** `--output`; the first format is the default. */
export function outputFlag(formats: readonly [OutputFormat, ...OutputFormat[]]): Flag {
  const choice = formats.join(", ");
  return {
    name: "output",
    short: "o",
    type: "string",
    default: formats[0],
    placeholder: "FORMAT",
    help: `how it is written: ${choice}`,
    group: "Output",
    commandLineOnly: true,
    check: (text) => formats.some((format) => format === text) ? undefined : `must be one of ${choice}`,
  };
}

/** `RESOURCE[/NAME]`. */
export function resourceArgument(required: boolean): Argument {
  return {
    placeholder: "RESOURCE[/NAME]",
    help: "in kubectl's words: pods, pods/web, deployments.apps, pods.v1.",
    required,
  };
}

function hubFlagsNamed(...names: readonly string[]): readonly Flag[] {
  return hubFlags.filter(({ name }) => names.includes(name));
}
