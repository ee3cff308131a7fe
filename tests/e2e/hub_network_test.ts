import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { type ChildProgram, startCommand } from "../testing/child_program.ts";
import { addresses, hubWords, type ProgramCloud, withCloud } from "../testing/hub_program.ts";

/** What `ip` says to who may not. */
const refusing = "#!/bin/sh\necho 'RTNETLINK answers: Operation not permitted' >&2\nexit 2\n";
/** One that notes what it is asked, and for which the interface is always there, under another name than the hub's. */
const willing = '#!/bin/sh\nhere=$(/usr/bin/dirname "$0")\necho "$0 $*" >> "$here/asked"\n' +
  'case "$*" in *show*) echo "Device \\"yurthub-dummy0\\" does not exist." >&2; exit 1;; esac\n';

/** A hub on whose PATH there is nothing but these programs. Without a certificate it never opens the TLS port. */
async function startWith(
  cloud: ProgramCloud,
  programs: Readonly<Record<string, string>>,
  flags: readonly string[],
): Promise<ChildProgram> {
  const folder = `${cloud.folder}/bin`;
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(`${folder}/${name}`, text);
    await chmod(`${folder}/${name}`, 0o755);
  }
  const [first, ...rest] = hubWords(cloud, flags);
  const words = rest.filter((word) => !["--enable-dummy-if=false", "--proxy-secure-port=0"].includes(word));
  const program = startCommand([first, ...words], { NODE_NAME: "node-1", PATH: folder });
  cloud.programs.push(program);
  return program;
}

async function readyzOf(program: ChildProgram): Promise<string> {
  const { status } = await addresses(program);
  return await (await fetch(`${status}/readyz?verbose`)).text();
}

test("a hub that may not make the dummy interface goes on, says so, and leads no pod to it", () =>
  withCloud(async (cloud) => {
    const program = await startWith(cloud, { ip: refusing }, []);
    const readyz = await readyzOf(program);
    const why = "ip -json -details address show dev yurthub-dummy0 failed: RTNETLINK answers: Operation not permitted";
    assert.ok(readyz.includes(`[!]dummy-interface cannot be set: ${why}\n`), readyz);
    assert.ok(
      readyz.includes(`masterservice, forwardkubesvctraffic, inclusterconfig, serviceenvupdater: ${why}`),
      readyz,
    );
    assert.match(readyz, /\[!\]iptables cannot be set: .*iptables-save/);
    assert.match(program.errors(), /WARN.*The node's network is not what pods need/);
  }));

for (
  const [flag, programs, why] of [
    ["--enable-dummy-if", { ip: refusing }, /Operation not permitted/],
    ["--enable-iptables", { ip: willing }, /iptables-save: ENOENT/],
  ] as const
) {
  test(`${flag}=true that cannot be had is an error that names the flag`, () =>
    withCloud(async (cloud) => {
      const program = await startWith(cloud, programs, [`${flag}=true`]);
      const { exitCode, stderr } = await program.ended;
      assert.notEqual(exitCode, 0);
      assert.match(stderr, new RegExp(`${flag}=true cannot be had`));
      assert.match(stderr, why);
    }));
}

/** An `ip` for which the interface is there from the second question on, and what it was asked that changes anything. */
function rememberingIp(name: string): { readonly program: string; changes(cloud: ProgramCloud): Promise<string[]> } {
  const there = JSON.stringify([{ ifname: name, flags: ["UP"], linkinfo: { info_kind: "dummy" }, addr_info: [] }]);
  const program = willing.replace(
    "case",
    `[ -e "$here/made" ] && case "$*" in *show*) echo '${there}'; exit 0;; esac\n` +
      'case "$*" in *add*) : > "$here/made";; esac\ncase',
  );
  return {
    program,
    changes: async ({ folder }) =>
      (await readFile(`${folder}/bin/asked`, "utf8")).trim().split("\n")
        .map((line) => line.replace(/^.*\/ip /, "ip ")).filter((line) => !line.includes("show")),
  };
}

for (const [keep, last] of [[false, "ip link delete"], [true, undefined]] as const) {
  test(`the dummy interface ${keep ? "stays with" : "goes without"} --keep-network when the hub stops`, () =>
    withCloud(async (cloud) => {
      const ip = rememberingIp("pods0");
      const flags = ["--dummy-if-name=pods0", "--dummy-if-ip=169.254.7.7", "--enable-iptables=false"];
      const program = await startWith(cloud, { ip: ip.program }, keep ? [...flags, "--keep-network"] : flags);
      await addresses(program);
      program.kill("SIGTERM");
      assert.equal((await program.ended).exitCode, 0);
      assert.deepEqual(await ip.changes(cloud), [
        "ip link add pods0 type dummy",
        "ip address replace 169.254.7.7/32 dev pods0",
        "ip link set pods0 up",
        ...(last === undefined ? [] : [`${last} pods0`]),
      ]);
    }));
}

test("the dummy interface stays where another hub takes over, and goes with that one", () =>
  withCloud(async (cloud) => {
    const ip = rememberingIp("pods0");
    const flags = ["--dummy-if-name=pods0", "--dummy-if-ip=169.254.7.7", "--enable-iptables=false", "--takeover"];
    const first = await startWith(cloud, { ip: ip.program }, flags);
    await addresses(first);
    const second = await startWith(cloud, { ip: ip.program }, flags);
    await addresses(second);
    const { exitCode, stderr } = await first.ended;
    assert.equal(exitCode, 0);
    assert.match(stderr, /Another process has taken over/);
    const isRemoval = (line: string) => line === "ip link delete pods0";
    assert.deepEqual((await ip.changes(cloud)).filter(isRemoval), []);
    second.kill("SIGTERM");
    assert.equal((await second.ended).exitCode, 0);
    assert.equal((await ip.changes(cloud)).filter(isRemoval).length, 1);
  }));

for (
  const [value, why] of [
    ["169.254.31.7", "169.254.31.0/24"],
    ["169.254.1.1", "169.254.1.1"],
    ["10.0.0.1", "169.254.0.0/16"],
    ["there", "must be an IP address"],
  ] as const
) {
  test(`--dummy-if-ip=${value} is refused`, () =>
    withCloud(async (cloud) => {
      const program = await startWith(cloud, { ip: willing }, [`--dummy-if-ip=${value}`]);
      const { exitCode, stderr } = await program.ended;
      assert.notEqual(exitCode, 0);
      assert.ok(stderr.includes("--dummy-if-ip") && stderr.includes(value) && stderr.includes(why), stderr);
    }));
}
