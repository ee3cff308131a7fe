import { outputFlag } from "./cache_flags.ts";
import type { Command } from "./command.ts";
import type { Flag } from "./flag.ts";
import { hubFlags } from "./hub_flags.ts";

const group = "Doctor";

const doctorFlags: readonly Flag[] = [
  outputFlag(["text", "json", "yaml"]),
  {
    name: "json",
    type: "boolean",
    default: "false",
    help: "the same as --output=json",
    group: "Output",
    commandLineOnly: true,
  },
  {
    name: "kubelet-kubeconfig",
    type: "string",
    default: "",
    defaultHelp: "that of the kubelet that runs, else /etc/kubernetes/kubelet.conf",
    placeholder: "FILE",
    help: "kubeconfig that kubelet is started with",
    group,
    commandLineOnly: true,
  },
  {
    name: "cni-conf-dir",
    type: "string",
    default: "/etc/cni/net.d",
    placeholder: "DIR",
    help: "where the configuration of the network plugin lies",
    group,
    commandLineOnly: true,
  },
  {
    name: "check-timeout",
    type: "duration",
    unit: "s",
    default: "20s",
    help: "how long one check may take",
    group,
    commandLineOnly: true,
  },
];

/** `holdfast doctor`. */
export const doctorCommand: Command = {
  name: "doctor",
  summary:
    "Checks what makes a node fail, and says what to do; takes the hub's own flags or --config file, and changes nothing",
  flags: [...doctorFlags, ...hubFlags],
  // Loaded where it runs: a hub, which shares this program, is spared the memory.
  run: async (context) => await (await import("./doctor/run_doctor.ts")).runDoctor(context),
};
