import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { serverOrigin } from "../../../src/cli/address.ts";
import { commands } from "../../../src/cli/commands.ts";
import { logLevelOf } from "../../../src/cli/common_flags.ts";
import { commandHelp, programHelp } from "../../../src/cli/help.ts";
import { parseFlagValue } from "../../../src/cli/flag_value.ts";
import { hubFlags } from "../../../src/cli/hub_flags.ts";
import { nearest } from "../../../src/cli/nearest.ts";
import { version } from "../../../src/cli/version.ts";

/** The flags of the contract that come with the foundation. */
for (
  const [name, want] of [
    ["server-addr", "required"],
    ["node-name", "required"],
    ["bind-address", "127.0.0.1"],
    ["serve-port", "10267"],
    ["bind-proxy-address", "127.0.0.1"],
    ["proxy-port", "10261"],
    ["kubeconfig", ""],
    ["root-dir", "/var/lib/holdfast"],
    ["disk-cache-path", "<root-dir>/cache"],
    ["config", ""],
    ["cloud-read-timeout", "2s"],
    ["plain-allow-uid", "root and the hub's own"],
    ["lb-mode", "rr"],
    ["working-mode", "edge"],
    ["heartbeat-interval-seconds", "10"],
    ["heartbeat-timeout-seconds", "2"],
    ["heartbeat-failed-retry", "3"],
    ["heartbeat-healthy-threshold", "2"],
    ["kubelet-health-grace-period", "40s"],
    ["nodepool-name", "the pool that the cluster has this node in"],
    ["enable-resource-filter", "true"],
    ["disabled-resource-filters", ""],
    ["access-server-through-hub", "true"],
    ["namespace", "kube-system"],
    ["cache-agents", "all, or as yurt-hub-cfg says"],
    ["gc-frequency", "120"],
    ["enable-dummy-if", "true"],
    ["dummy-if-name", "yurthub-dummy0"],
    ["dummy-if-ip", "169.254.2.1, or fd00::2:1 where --bind-proxy-address is IPv6"],
    ["enable-iptables", "true"],
    ["keep-network", "false"],
    ["max-requests-in-flight", "250"],
    ["max-watches", "2000"],
    ["profiling", "true"],
    ["log-format", "text"],
    ["v", "2"],
  ] as const
) {
  test(`hubFlags declares --${name} with the documented default`, () => {
    const flag = hubFlags.find((candidate) => candidate.name === name);
    assert.equal(flag?.required ? "required" : flag?.defaultHelp ?? flag?.default, want);
  });
}

test("hubFlags declares --storage-key-file, which falls back to systemd's credential", () => {
  const flag = hubFlags.find((candidate) => candidate.name === "storage-key-file");
  assert.match(flag?.defaultHelp ?? "", /holdfast-storage-key/);
});

for (const command of commands) {
  test(`commandHelp of ${command.name} contains every flag with its default`, () => {
    const help = commandHelp(command).replace(/\s+/g, " ");
    for (const flag of command.flags) {
      const start = help.indexOf(` --${flag.name}`);
      assert.notEqual(start, -1, flag.name);
      const text = help.slice(start, help.indexOf(")", help.indexOf("(default", start)) + 1 || undefined);
      const want = flag.required ? "(required" : `(default ${flag.defaultHelp ?? (flag.default || "none")}`;
      assert.ok(help.slice(start).includes(want) && help.slice(start).includes(flag.help), `${flag.name}: ${text}`);
    }
    for (const group of new Set(command.flags.map((flag) => flag.group))) {
      assert.ok(help.includes(` ${group}: `), group);
    }
  });

  test(`the flags of ${command.name} have one declaration each, and defaults of their own type`, () => {
    const names = command.flags.map((flag) => flag.name);
    assert.equal(new Set(names).size, names.length);
    for (const flag of command.flags.filter(({ default: text }) => text !== "")) {
      assert.notEqual(parseFlagValue(flag, [flag.default]).toString(), "", flag.name);
    }
  });
}

test("programHelp lists every command", () => {
  for (const { name, summary } of commands) {
    assert.match(programHelp(commands), new RegExp(`\\n  ${name} +${summary}\\n`));
  }
});

for (
  const [address, want] of [
    ["10.0.0.1:6443", "https://10.0.0.1:6443"],
    ["https://10.0.0.1:6443/", "https://10.0.0.1:6443"],
    ["api.example.com", "https://api.example.com"],
    ["HTTPS://a:6443", "https://a:6443"],
    ["[fd00::1]:6443", "https://[fd00::1]:6443"],
  ] as const
) {
  test(`serverOrigin reads ${address}`, () => assert.deepEqual(serverOrigin(address), { origin: want }));
}

for (const address of ["http://a", "ftp://a", "https://user@a", "https://a/b", "a?b", "a:99999", ""]) {
  test(`serverOrigin refuses "${address}"`, () => assert.ok("problem" in serverOrigin(address)));
}

test("logLevelOf takes 4 and more for debug", () => {
  assert.deepEqual([0, 2, 3, 4, 10].map(logLevelOf), ["info", "info", "info", "debug", "debug"]);
});

test("nearest finds a name with few wrong letters, and nothing for another word", () => {
  const names = ["proxy-port", "serve-port", "node-name"];
  assert.equal(nearest("prox-port", names), "proxy-port");
  assert.equal(nearest("nodename", names), "node-name");
  assert.equal(nearest("kubeconfig", names), undefined);
});

test("version is that of package.json and deno.json", () => {
  for (const name of ["package.json", "deno.json"]) {
    const text = readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8");
    assert.match(text, new RegExp(`"version": "${version.replaceAll(".", "\\.")}"`), name);
  }
});
