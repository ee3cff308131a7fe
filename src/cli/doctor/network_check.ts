import { type DummyInterface, interfaceState } from "../../hub/dummy_interface.ts";
import { findPacketFilter } from "../../hub/packet_filter.ts";
import { ProgramError, programRunner, type RunProgram } from "../../hub/system_program.ts";
import type { FlagValues } from "../flag_values.ts";
import { dummyInterfaceOf } from "../network_flags.ts";
import { type Check, failed, type Finding, ok, warning } from "./finding.ts";
import { askStatusServer } from "./running_hub.ts";

/** Whether the hub can set the network by which pods reach it: the dummy interface, and rules of the firewall. */
export const networkCheck: Check = {
  name: "network",
  run: async ({ platform, values }, signal) => {
    if (!values.boolean("enable-dummy-if")) {
      return [ok("no dummy interface is wanted: only pods in the host's network reach the hub")];
    }
    const run = programRunner(platform.commands, signal);
    const dummy = dummyInterfaceOf(values);
    const at = { hostname: values.string("bind-address"), port: values.integer("serve-port") };
    const isRunning = async () => (await askStatusServer(platform, at, signal)).program === "holdfast";
    const findings = [await interfaceFinding(run, { dummy, values, isRunning })];
    if (values.boolean("enable-iptables")) findings.push(await firewallFinding(run, { dummy, values }));
    return findings;
  },
};

interface Wanted {
  readonly dummy: DummyInterface;
  readonly values: FlagValues;
}

async function interfaceFinding(
  run: RunProgram,
  { dummy, values, isRunning }: Wanted & { readonly isRunning: () => Promise<boolean> },
): Promise<Finding> {
  const { name, ip } = dummy;
  const ill = severity(values, "enable-dummy-if");
  try {
    switch (await interfaceState(run, dummy)) {
      case "missing":
        if (!await isRunning()) return ok(`ip is there, by which the hub makes ${name} with ${ip}`);
        return ill(
          `${name} is not there, and a hub runs that should have made it`,
          "holdfast status says why it could not; --enable-dummy-if=false says that it is not wanted",
        );
      case "set":
        return ok(`${name} has ${ip}`);
      case "unset":
        return warning(
          `${name} is down, or has another address than ${ip}`,
          "start the hub, which sets it within a minute; where one runs, its log says why it could not",
        );
      case "foreign":
        return ill(`${name} is no dummy interface, and the hub leaves it alone`, "choose another --dummy-if-name");
    }
  } catch (error) {
    return ill(
      `the dummy interface cannot be looked at: ${saying(error)}`,
      "install iproute2 and run the hub as root (CAP_NET_ADMIN), or give --enable-dummy-if=false: pods outside of the " +
        "host's network then do without the hub",
    );
  }
}

async function firewallFinding(run: RunProgram, { dummy: { ip }, values }: Wanted): Promise<Finding> {
  try {
    const { prefix } = await findPacketFilter(run, ip);
    await run(`${prefix}-save`, ["-t", "filter"]);
    return ok(`${prefix} is there, by which the hub lets pods through to ${ip}`);
  } catch (error) {
    return severity(values, "enable-iptables")(
      `the firewall cannot be looked at: ${saying(error)}`,
      "install iptables and run the hub as root, or give --enable-iptables=false where nothing drops what pods send to " +
        `${ip}`,
    );
  }
}

/** As the hub takes it: what was asked for must be had, what is only on by default it does without. */
function severity(values: FlagValues, flag: string): typeof warning {
  return values.source(flag) === "default" ? warning : failed;
}

/** @throws what is no program's failure */
function saying(error: unknown): string {
  if (!(error instanceof ProgramError)) throw error;
  return error.message;
}
