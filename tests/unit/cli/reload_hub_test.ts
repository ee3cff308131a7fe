import assert from "node:assert/strict";
import { test } from "node:test";
import { hubFlags } from "../../../src/cli/hub_flags.ts";
import { HubReload } from "../../../src/cli/reload_hub.ts";
import { resolveFlags } from "../../../src/cli/resolve_flags.ts";
import type { ProgramLog } from "../../../src/cli/program_log.ts";
import { fakeFiles } from "./fake_files.ts";

interface World {
  readonly reload: HubReload;
  readonly lines: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[];
  file: string;
  verbosity: number;
  identities: number;
}

async function createWorld(file: string): Promise<World> {
  const lines: World["lines"] = [];
  const log: ProgramLog = {
    logger: { log: (_level, message, fields = {}) => void lines.push({ message, fields }), enabled: () => true },
    setVerbosity: (verbosity) => void (world.verbosity = verbosity),
  };
  const resolve = () =>
    resolveFlags({
      flags: hubFlags,
      given: { "server-addr": ["a"], "node-name": ["n"], config: ["/hub.yaml"], "root-dir": ["/given"] },
      environment: {},
      files: fakeFiles({ "/hub.yaml": world.file }),
    });
  const world = { file, verbosity: 2, identities: 0, lines } as World & { reload: HubReload };
  const reload = new HubReload({ flags: hubFlags, values: await resolve(), resolve, log, defaultUids: [0, 7] });
  reload.reads({ reload: () => Promise.resolve(void world.identities++) });
  return Object.assign(world, { reload });
}

test("HubReload takes the level of the log and the user ids of the plain port anew, and reads the identity again", async () => {
  const world = await createWorld("v: 2\n");
  assert.deepEqual(world.reload.plainAllowUids, [0, 7]);
  world.file = "v: 4\nplain-allow-uid: [1000]\n";
  await world.reload.reload();
  assert.deepEqual([world.verbosity, world.reload.plainAllowUids, world.identities], [4, [1000], 1]);
  assert.deepEqual(world.lines.at(-1)?.fields, { changed: "plain-allow-uid, v", needsRestart: "" });
  world.file = "";
  await world.reload.reload();
  assert.deepEqual([world.verbosity, world.reload.plainAllowUids], [2, [0, 7]]);
});

test("HubReload names each time what differs from the start and needs one, and nothing that the command line has decided", async () => {
  const world = await createWorld("proxy-port: 1\n");
  world.file = "proxy-port: 2\nroot-dir: /other\ncache-max-bytes: 5GiB\n";
  await world.reload.reload();
  await world.reload.reload();
  for (const { fields } of world.lines) {
    assert.deepEqual(fields, { changed: "", needsRestart: "proxy-port, cache-max-bytes" });
  }
});

for (
  const [what, file, reason] of [
    ["no YAML", "v: [", /Cannot read \/hub\.yaml as YAML/],
    ["an unknown key", "v: 4\nnonsense: 1\n", /Unknown key "nonsense"/],
    ["a value that is none", "v: 4\nplain-allow-uid: [root]\n", /must be numeric user ids/],
  ] as const
) {
  test(`HubReload changes nothing where the file has ${what}, and says why`, async () => {
    const world = await createWorld("plain-allow-uid: [5]\n");
    world.file = file;
    await world.reload.reload();
    assert.deepEqual([world.verbosity, world.reload.plainAllowUids, world.identities], [2, [5], 0]);
    assert.equal(world.lines.length, 1);
    assert.match(world.lines[0]?.message ?? "", /nothing is changed/);
    assert.match(String(world.lines[0]?.fields["reason"]), reason);
  });
}
