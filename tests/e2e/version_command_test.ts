import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { parse } from "yaml";
import { version } from "../../src/cli/version.ts";
import { runtime } from "../testing/child_program.ts";
import { addresses, holdfast, startHub, withCloud } from "../testing/hub_program.ts";

/** From its sources nobody has built it. */
const expected = {
  version,
  gitCommit: "unknown",
  gitTreeState: "unknown",
  buildDate: "unknown",
  runtime,
  runtimeVersion: process.versions[runtime],
  platform: `${process.platform}/${{ x64: "amd64" }[process.arch as string] ?? process.arch}`,
};

test("holdfast version tells itself, what it was built from, the runtime and the platform, in text, JSON and YAML", async () => {
  const text = await holdfast("version");
  assert.deepEqual([text.exitCode, text.stdout.split("\n")], [0, [
    `holdfast ${version} (${runtime} ${expected.runtimeVersion})`,
    "commit    unknown",
    "built     unknown",
    `platform  ${expected.platform}`,
    "",
  ]]);
  assert.deepEqual(JSON.parse((await holdfast("version", "--output=json")).stdout), expected);
  assert.deepEqual(parse((await holdfast("version", "-o", "yaml")).stdout), expected);
  const refused = await holdfast("version", "--output=xml");
  assert.equal(refused.exitCode, 2);
  assert.match(refused.stderr, /--output: must be one of text, json, yaml/);
});

test("the version and the runtime of /v1/status are those of holdfast version", () =>
  withCloud(async (cloud) => {
    const { status } = await addresses(startHub(cloud));
    // Not checked: an assertion on what is not there fails.
    const told = await (await fetch(`${status}/v1/status`)).json() as { version: string; runtime: string };
    assert.deepEqual([told.version, told.runtime], [version, runtime]);
  }));
