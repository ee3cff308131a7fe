import assert from "node:assert/strict";
import type { FlagEffect, FlagScene } from "../flag_scene.ts";
import type { ProgramAnswer } from "../fake_commands.ts";

/** A machine without any interface, on which everything is allowed. */
function willing(line: string): ProgramAnswer {
  if (line.includes(" show ")) return { error: "Device does not exist." };
  return line.includes("-save") ? "*filter\nCOMMIT\n" : "";
}

/** One on which the dummy interface of the test is there already. */
function withInterface(line: string): ProgramAnswer {
  if (!line.includes(" show ")) return willing(line);
  return JSON.stringify([{ ifname: "yurthub-dummy0", flags: ["UP"], linkinfo: { info_kind: "dummy" }, addr_info: [] }]);
}

function asked({ commands }: FlagScene, program: string): readonly string[] {
  return commands.lines.filter((line) => line.startsWith(program) && !line.includes(" show "));
}

/** Flags of how pods reach the hub. The system's programs are played. */
export const networkEffects: readonly FlagEffect[] = [
  {
    flags: { "enable-dummy-if": "false" },
    play: willing,
    see: (_hub, { commands }) => {
      assert.deepEqual(commands.lines, []);
      return Promise.resolve();
    },
  },
  {
    flags: { "dummy-if-name": "pods0", "dummy-if-ip": "169.254.7.7" },
    with: { "enable-dummy-if": "", "proxy-secure-port": "{free}" },
    play: willing,
    see: (_hub, scene) => {
      assert.deepEqual(asked(scene, "ip "), [
        "ip link add pods0 type dummy",
        "ip address replace 169.254.7.7/32 dev pods0",
        "ip link set pods0 up",
      ]);
      assert.notDeepEqual(asked(scene, "iptables"), []);
      return Promise.resolve();
    },
  },
  {
    flags: { "enable-iptables": "false" },
    with: { "enable-dummy-if": "", "proxy-secure-port": "{free}" },
    play: willing,
    see: (_hub, scene) => {
      assert.notDeepEqual(asked(scene, "ip "), []);
      assert.deepEqual(asked(scene, "iptables"), []);
      return Promise.resolve();
    },
  },
  {
    flags: { "keep-network": "true" },
    with: { "enable-dummy-if": "" },
    play: withInterface,
    see: async (hub, scene) => {
      const removal = "ip link delete yurthub-dummy0";
      assert.equal(await hub.stop(), 0);
      assert.equal(asked(scene, "ip ").includes(removal), false);
      await (await scene.start({ "enable-dummy-if": "" })).stop();
      assert.equal(asked(scene, "ip ").includes(removal), true, "what the default does");
    },
  },
];
