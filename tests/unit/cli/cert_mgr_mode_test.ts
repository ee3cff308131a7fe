import assert from "node:assert/strict";
import { test } from "node:test";
import { certMgrModeOf } from "../../../src/cli/cert_mgr_mode.ts";
import { hubFlags } from "../../../src/cli/hub_flags.ts";
import { warnOfIgnoredFlags } from "../../../src/cli/ignored_flags.ts";
import { resolveFlags } from "../../../src/cli/resolve_flags.ts";
import type { FlagValues } from "../../../src/cli/flag_values.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";
import { fakeFiles } from "../../testing/readable_files.ts";

for (
  const [given, want] of [
    [{}, "hubself"],
    [{ "bootstrap-mode": ["token"] }, "hubself"],
    [{ "bootstrap-mode": ["kubeletcertificate"] }, "kubelet"],
    [{ "cert-mgr-mode": ["kubelet"] }, "kubelet"],
    [{ "cert-mgr-mode": ["kubelet"], "bootstrap-mode": ["kubeletcertificate"] }, "kubelet"],
  ] as const
) {
  test(`certMgrModeOf gives ${want} for ${JSON.stringify(given)}`, async () => {
    assert.equal(certMgrModeOf(await values(given)), want);
  });
}

test("certMgrModeOf refuses two modes that contradict each other", async () => {
  for (const [mode, bootstrapMode] of [["kubelet", "token"], ["hubself", "kubeletcertificate"]] as const) {
    const given = await values({ "cert-mgr-mode": [mode], "bootstrap-mode": [bootstrapMode] });
    assert.throws(() => certMgrModeOf(given), UsageError);
  }
});

test("warnOfIgnoredFlags names each flag of YurtHub that is set and means nothing here", async () => {
  const flags = { "enable-coordinator": ["false"], "pool-scope-resources": ["/v1/services"], "leader-elect": ["true"] };
  const lines: unknown[] = [];
  const log = (_: string, __: string, fields?: unknown): void => void lines.push(fields);
  warnOfIgnoredFlags(await values(flags), { log, enabled: () => true });
  assert.deepEqual(lines, [
    { flag: "--pool-scope-resources" },
    { flag: "--enable-coordinator" },
    { flag: "--leader-elect" },
  ]);
});

function values(given: Readonly<Record<string, readonly string[]>>): Promise<FlagValues> {
  const needed = { "server-addr": ["a"], "node-name": ["n"] };
  return resolveFlags({ flags: hubFlags, given: { ...needed, ...given }, environment: {}, files: fakeFiles({}) });
}
