import assert from "node:assert/strict";
import { test } from "node:test";
import type { RawFlags } from "../../../src/cli/config_file.ts";
import { type Environment, unknownVariables } from "../../../src/cli/environment.ts";
import { hubFlags } from "../../../src/cli/hub_flags.ts";
import { resolveFlags } from "../../../src/cli/resolve_flags.ts";
import type { FlagValues } from "../../../src/cli/flag_values.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";
import { fakeFiles } from "./fake_files.ts";

interface Given {
  readonly given?: RawFlags;
  readonly environment?: Environment;
  readonly file?: string;
}

const needed: RawFlags = { "server-addr": ["10.0.0.1:6443"], "node-name": ["node-1"] };

function resolve({ given = {}, environment = {}, file }: Given): Promise<FlagValues> {
  return resolveFlags({
    flags: hubFlags,
    given: { ...needed, ...given, ...(file === undefined ? {} : { config: ["/etc/holdfast.yaml"] }) },
    environment,
    files: fakeFiles(file === undefined ? {} : { "/etc/holdfast.yaml": file }),
  });
}

function refuses(given: Given, message: string | RegExp): Promise<void> {
  return assert.rejects(resolve(given), (error) => {
    assert.ok(error instanceof UsageError, String(error));
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

const file = "proxy-port: 3";
const environment = { HOLDFAST_PROXY_PORT: "2" };
const given = { "proxy-port": ["1"] };
for (
  const [source, want, sources] of [
    ["command line", 1, { given, environment, file }],
    ["environment", 2, { environment, file }],
    ["file", 3, { file }],
    ["default", 10261, {}],
  ] as const
) {
  test(`resolveFlags takes a value from the ${source} where nothing stronger has one`, async () => {
    const values = await resolve(sources);
    assert.deepEqual([values.integer("proxy-port"), values.source("proxy-port")], [want, source]);
  });
}

test("resolveFlags reads scalars and sequences of the file", async () => {
  const values = await resolve({
    given: { "server-addr": ["a"] },
    file: "plain-allow-uid: [0, 1000]\ncloud-read-timeout: 3\nroot-dir: /data\nserve-port: '7'\n",
  });
  assert.deepEqual(values.list("plain-allow-uid"), ["0", "1000"]);
  assert.equal(values.durationMs("cloud-read-timeout"), 3000);
  assert.equal(values.string("root-dir"), "/data");
  assert.equal(values.integer("serve-port"), 7);
});

test("resolveFlags finds the file by HOLDFAST_CONFIG", async () => {
  const values = await resolveFlags({
    flags: hubFlags,
    given: needed,
    environment: { HOLDFAST_CONFIG: "/c.yaml" },
    files: fakeFiles({ "/c.yaml": "serve-port: 9" }),
  });
  assert.equal(values.integer("serve-port"), 9);
});

test("resolveFlags takes an empty file for no settings", async () => {
  assert.equal((await resolve({ file: "# nothing\n" })).source("proxy-port"), "default");
});

test("resolveFlags takes the node's name from NODE_NAME, after HOLDFAST_NODE_NAME", async () => {
  const name = async (environment: Environment): Promise<string> => {
    const options = { flags: hubFlags, given: { "server-addr": ["a"] }, files: fakeFiles({}) };
    return (await resolveFlags({ ...options, environment })).string("node-name");
  };
  assert.equal(await name({ NODE_NAME: "a" }), "a");
  assert.equal(await name({ NODE_NAME: "a", HOLDFAST_NODE_NAME: "b" }), "b");
});

for (
  const [what, sources, message] of [
    [
      "a bad value of the command line",
      { given: { "proxy-port": ["70000"] } },
      'Invalid value "70000" of --proxy-port: must be a whole number from 0 to 65535',
    ],
    [
      "a bad value of the environment",
      { environment: { HOLDFAST_SERVE_PORT: "x" } },
      'Invalid value "x" of --serve-port (HOLDFAST_SERVE_PORT): must be a whole number from 0 to 65535',
    ],
    [
      "a bad value of the file",
      { file: "serve-port: x" },
      'Invalid value "x" of "serve-port" in /etc/holdfast.yaml: must be a whole number from 0 to 65535',
    ],
    [
      "an unknown key of the file",
      { file: "serve-prt: 1" },
      'Unknown key "serve-prt" in /etc/holdfast.yaml (did you mean serve-port?)',
    ],
    ["another file in the file", { file: "config: /x" }, /Unknown key "config"/],
    ["a map in the file", { file: "serve-port: {a: 1}" }, /"serve-port" in \/etc\/holdfast.yaml: must be one value/],
    ["a sequence for one value", { file: "serve-port: [1]" }, /"serve-port" in .*: must be one value/],
    ["an empty key of the file", { file: "serve-port:" }, /"serve-port" in .*: must be one value/],
    ["a file that is no map", { file: "- a" }, /\/etc\/holdfast.yaml: it must be a map/],
    ["a file that is no YAML", { file: "a: [" }, /Cannot read \/etc\/holdfast.yaml as YAML/],
    [
      "a malformed join token of the environment, which it does not repeat",
      { environment: { HOLDFAST_JOIN_TOKEN: "abcdef.0123" } },
      /^Invalid value of --join-token \(HOLDFAST_JOIN_TOKEN\): must be a token as [^"]*$/,
    ],
    [
      "a malformed join token of the file, which it does not repeat",
      { file: "join-token: abcdef.0123" },
      /^Invalid value of "join-token" in \/etc\/holdfast.yaml: must be a token as [^"]*$/,
    ],
    [
      "a join token against its key, which it does not repeat",
      { file: "{join-token=abcdef.0123}" },
      'Unknown key "join-token…" in /etc/holdfast.yaml',
    ],
    [
      "YAML with a stray scalar, which it does not repeat",
      { file: 'join-token: "x" abcdef.0123\nnode-name: a' },
      "Cannot read /etc/holdfast.yaml as YAML: unexpected token at line 1, column 17",
    ],
    ["a missing file", { given: { config: ["/none"] } }, 'Cannot read --config "/none": there is no such file'],
    ["no server", { given: { "server-addr": [""] } }, /^--server-addr is required: .*HOLDFAST_SERVER_ADDR/],
    ["no node name", { given: { "node-name": [""] } }, /^--node-name is required: .*HOLDFAST_NODE_NAME or NODE_NAME/],
    [
      "http for the cloud",
      { given: { "server-addr": ["a,http://b"] } },
      /"a,http:\/\/b" of --server-addr: must use https/,
    ],
    ["a path of the cloud", { given: { "server-addr": ["https://a/b"] } }, /--server-addr: must be a scheme, a host/],
    [
      "a public proxy",
      { given: { "bind-proxy-address": ["0.0.0.0"] } },
      /"0.0.0.0" of --bind-proxy-address: .*loopback/,
    ],
    ["a public IPv6 proxy", { given: { "bind-proxy-address": ["::"] } }, /--bind-proxy-address: .*loopback/],
    ["another bootstrap mode", { given: { "bootstrap-mode": ["x"] } }, /must be token or kubeletcertificate/],
    ["a name as address", { given: { "bind-address": ["localhost"] } }, /"localhost" of --bind-address: must be an IP/],
    ["a user's name", { given: { "plain-allow-uid": ["root"] } }, /"root" of --plain-allow-uid: must be numeric/],
  ] satisfies readonly (readonly [string, Given, string | RegExp])[]
) {
  test(`resolveFlags refuses ${what}, and names flag, value and place`, () => refuses(sources, message));
}

test("resolveFlags lets the plain proxy listen on any loopback address", async () => {
  for (const address of ["127.0.0.1", "127.8.8.8", "::1"]) {
    const values = await resolve({ given: { "bind-proxy-address": [address] } });
    assert.equal(values.string("bind-proxy-address"), address);
  }
});

test("FlagValues refuses a flag that is not declared, or is of another type", async () => {
  const values = await resolve({});
  assert.throws(() => values.string("nothing"), TypeError);
  assert.throws(() => values.string("proxy-port"), TypeError);
});

test("unknownVariables warns of HOLDFAST_ variables that no flag has, with the nearest", () => {
  const environment = { HOLDFAST_PROXI_PORT: "1", HOLDFAST_PROXY_PORT: "2", PATH: "/bin" };
  assert.deepEqual(unknownVariables(environment, hubFlags), [
    "Unknown environment variable HOLDFAST_PROXI_PORT is ignored (did you mean HOLDFAST_PROXY_PORT?)",
  ]);
});
