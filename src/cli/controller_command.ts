import type { Command } from "./command.ts";
import { commonFlags, logFlags } from "./common_flags.ts";
import { leaderFlags } from "./leader_flags.ts";

/** What it is made of, each by its name in `--controllers`. */
const controllers: readonly string[] = ["csrapproving"];

/** `holdfast controller`. */
export const controllerCommand: Command = {
  name: "controller",
  summary: "Runs in the cloud: approves the certificates of nodes and of their hubs",
  flags: [
    {
      name: "controllers",
      type: "list",
      default: "*",
      placeholder: "NAME",
      help: `which of them run: * all, NAME this one, -NAME not this one; there are: ${controllers.join(", ")}`,
      group: "Controller",
      check: (text) =>
        text === "*" || controllers.includes(text.replace(/^-/, ""))
          ? undefined
          : `must be of ${controllers.join(", ")}`,
    },
    {
      name: "kubeconfig",
      type: "string",
      default: "",
      defaultHelp: "the pod's service account",
      placeholder: "FILE",
      help: "identity towards the API server",
      group: "Controller",
    },
    ...leaderFlags,
    ...commonFlags,
    ...logFlags,
  ],
  // Loaded where it runs: a hub, which shares this program, is spared the memory.
  run: async (context) => await (await import("./run_controller.ts")).runController(context),
};
