import { runDemo } from "../demo/demo.ts";
import type { Command } from "./command.ts";
import { logLevelOf } from "./common_flags.ts";
import { demoFlags } from "./demo_flags.ts";
import { version } from "./version.ts";

/** `holdfast demo`. */
export const demoCommand: Command = {
  name: "demo",
  summary: "Plays a hub through a cut in this terminal, with a small cluster of its own, and stays up to be tried",
  flags: demoFlags,
  run: ({ platform, values }) =>
    runDemo({
      platform,
      once: values.boolean("once"),
      proxyPort: values.integer("proxy-port"),
      servePort: values.integer("serve-port"),
      logLevel: logLevelOf(values.integer("v")) === "debug" ? "debug" : "error",
      version,
    }),
};
