import { commonFlags } from "./common_flags.ts";
import type { Flag } from "./flag.ts";

const port = { type: "integer", minimum: 0, maximum: 65_535, placeholder: "PORT", group: "Demo" } as const;

/** Flags of `holdfast demo`. */
export const demoFlags: readonly Flag[] = [
  {
    name: "once",
    type: "boolean",
    default: "false",
    help: "end after the story; exit code 0 only if every step was true",
    group: "Demo",
  },
  {
    ...port,
    name: "proxy-port",
    default: "10261",
    help: "port of the hub's plain proxy; a free one where it is taken",
  },
  {
    ...port,
    name: "serve-port",
    default: "10267",
    help: "port of the hub's status server; a free one where it is taken",
  },
  ...commonFlags,
];
