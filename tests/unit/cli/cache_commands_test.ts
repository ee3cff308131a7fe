import assert from "node:assert/strict";
import { test } from "node:test";
import { damagedValue, keysOf } from "../../testing/faulty_store.ts";
import { cacheScene } from "./cache_scene.ts";

test("cache ls tells of collections, records and documents", async () => {
  const { run } = await cacheScene();
  const { exitCode, stdout, stderr } = await run("ls");
  assert.deepEqual([exitCode, stderr], [0, ""]);
  assert.equal(
    stdout,
    `COLLECTION                                          VERSION   STATE   STALE FOR   OBJECTS   BYTES   LAST READ
configmaps.v1. -A                                   10        stale   90s         2         272     90s
configmaps.v1. -n default                           11        stale   90s         1         137     90s
pods.v1. -A --field-selector spec.nodeName=node-1   12        stale   90s         1         152     90s

RECORD           NAMESPACE   NAME   VERSION   AGE   BYTES
configmaps.v1.   other       b      9         90s   135
secrets.v1.      default     s      8         90s   148

DOCUMENT   QUERY     ACCEPT                  AGE   BYTES
/apis      limit=1   application/json gzip   90s   45
`,
  );
});

for (
  const [words, collections, records, documents] of [
    [[], ["configmaps.v1. -A", "configmaps.v1. -n default", "pods.v1. -A --field-selector spec.nodeName=node-1"], [
      "b",
      "s",
    ], ["/apis"]],
    [["configmaps"], ["configmaps.v1. -A", "configmaps.v1. -n default"], ["b"], []],
    [["Pod.v1"], ["pods.v1. -A --field-selector spec.nodeName=node-1"], [], []],
    [["configmaps", "--namespace=default"], ["configmaps.v1. -n default"], [], []],
    [["--namespace=other"], [], ["b"], []],
    [["secrets/s"], [], ["s"], []],
  ] as const
) {
  for (const format of ["json", "yaml"]) {
    test(`cache ls ${words.join(" ")} -o ${format} tells just that`, async () => {
      const { run } = await cacheScene();
      const { exitCode, stdout } = await run("ls", ...words, `--output=${format}`);
      assert.equal(exitCode, 0);
      const [query, name, path] = format === "json"
        ? [/"query": "(.* .*)"/g, /"name": "(.*)"/g, /"path": "(.*)"/g]
        : [/ query: (\S+ .+)/g, / name: (.*)/g, / path: (.*)/g];
      const found = (pattern: RegExp) => [...stdout.matchAll(pattern)].map((match) => match[1]);
      assert.deepEqual([found(query), found(name), found(path)], [collections, records, documents]);
    });
  }
}

test("cache ls -o json gives times and sizes", async () => {
  const { run } = await cacheScene();
  const [collection] = parsed((await run("ls", "pods", "--output=json")).stdout).collections;
  assert.deepEqual(collection, {
    query: "pods.v1. -A --field-selector spec.nodeName=node-1",
    resource: "pods.v1.",
    namespace: "",
    labelSelector: "",
    fieldSelector: "spec.nodeName=node-1",
    resourceVersion: "12",
    epoch: 0,
    state: "stale",
    staleSince: "2026-01-01T00:00:00.000Z",
    lastRead: "2026-01-01T00:00:00.000Z",
    objects: 1,
    bytes: 152,
  });
});

test("cache get prints what is held, of each object the newest", async () => {
  const { run } = await cacheScene();
  assert.equal(
    (await run("get", "configmaps")).stdout,
    `NAMESPACE   NAME   RESOURCE         VERSION   BYTES   HELD BY
default     a      configmaps.v1.   5         137     2 collections
other       b      configmaps.v1.   9         135     1 collection, a record
`,
  );
  assert.equal((await run("get", "configmaps", "--output=name")).stdout, "configmap/a\nconfigmap/b\n");
  const list = parsed((await run("get", "configmaps", "--output=json")).stdout);
  assert.deepEqual([list.apiVersion, list.kind], ["v1", "List"]);
  assert.deepEqual(list.items.map(({ data }) => data), [{ value: "5" }, { value: "9" }]);
});

test("cache get of one name prints the object itself, with the digits that came", async () => {
  const { run } = await cacheScene();
  assert.match((await run("get", "pods/web", "--output=json")).stdout, /^\{\n {4}"kind": "Pod",[^]*9007199254740993\n/);
  assert.match(
    (await run("get", "pods/web", "--output=yaml")).stdout,
    /^kind: Pod\n[^]* priority: 9007199254740993\n$/,
  );
  assert.match(
    (await run("get", "pods", "--output=yaml")).stdout,
    /^apiVersion: v1\nitems:\n- kind: Pod\n[^]*kind: List\n/,
  );
});

for (const words of [["secrets"], ["secrets/s"], ["Secret/s", "--namespace=default"]]) {
  for (const format of ["json", "yaml"]) {
    test(`cache get ${words.join(" ")} -o ${format} shows what Secrets keep only with --show-secrets`, async () => {
      const { run } = await cacheScene();
      const hidden = (await run("get", ...words, `--output=${format}`)).stdout;
      assert.match(hidden, /redacted, 7 bytes/);
      assert.doesNotMatch(hidden, /aHVudGVyMg/);
      assert.match((await run("get", ...words, `--output=${format}`, "--show-secrets")).stdout, /aHVudGVyMg==/);
    });
  }
}

test("cache get of nothing is an empty list, and for a name that is not held an error", async () => {
  const { run } = await cacheScene();
  const empty = await run("get", "pods", "--namespace=kube-system", "--output=json");
  assert.deepEqual([empty.exitCode, parsed(empty.stdout).items], [0, []]);
  assert.equal(empty.stderr, "Nothing is held in namespace kube-system\n");
  assert.match((await run("get", "pods", "-n", "x")).stderr, /Unknown flag -n/); // a letter is the adapter's to read
});

test("cache get names an object that does not open, prints the others, and ends with 1", async () => {
  const { memory, run } = await cacheScene();
  const row = (await keysOf(memory, "o|")).find((one) => one.includes("|a|")) ?? "";
  await memory.commit({ put: [[row, damagedValue]] });
  const { exitCode, stdout, stderr } = await run("get", "configmaps", "--output=json");
  assert.equal(exitCode, 1);
  assert.deepEqual(parsed(stdout).items.length, 1);
  assert.equal(stderr, `Cannot read ${row}\n1 damaged row: see holdfast cache verify\n`);
});

test("cache verify finds nothing wrong with what a hub has left, and changes nothing", async () => {
  const { memory, run } = await cacheScene();
  const before = await rowsOf(memory);
  const { exitCode, stdout } = await run("verify");
  assert.equal(exitCode, 0);
  assert.equal(
    stdout,
    "15 rows checked: 3 collections, 2 records, 1 document, 5 objects (707 bytes); 0 problems\n",
  );
  assert.deepEqual(await rowsOf(memory), before);
});

test("cache verify names each row that is not as it must be, and ends with 1", async () => {
  const { memory, sealed, run } = await cacheScene();
  const objects = await keysOf(memory, "o|");
  const [damaged = "", missing = ""] = ["|a|", "|web|"].map((name) => objects.find((row) => row.includes(name)));
  await memory.commit({ put: [[damaged, damagedValue]], remove: [missing] });
  await sealed.commit({ put: [["o|orphan\u001b[1m", new Uint8Array(5)]] });
  const { exitCode, stdout } = await run("verify");
  assert.equal(exitCode, 1);
  const [first, ...others] = stdout.split("\n");
  assert.match(
    first ?? "",
    /^c\|.*\|m\|default\|web: holds an object that is missing: o\|\/v1\/pods\|default\|web\|12\|/,
  );
  assert.deepEqual(others.slice(0, -2), [
    "o|orphan\\u001b[1m: is an object that nothing holds",
    `${damaged}: does not open`,
  ]);
  assert.match(others.at(-2) ?? "", /3 problems$/);
});

test("cache verify names the objects that only the logs of a killed hub held, and is content with them", async () => {
  const { sealed, run } = await cacheScene();
  await sealed.commit({ put: [["h|open", new Uint8Array()], ["o|of a log", new Uint8Array(5)]] });
  const { exitCode, stdout } = await run("verify");
  assert.equal(exitCode, 0);
  assert.match(stdout, /0 problems\n1 object of event logs: the hub that runs, or was killed, held no more of them\n$/);
});

test("cache rm removes a part while no hub runs, says what still holds it, and leaves a whole store", async () => {
  const { run } = await cacheScene();
  const removed = await run("rm", "configmaps", "--namespace=default");
  assert.deepEqual(removed, {
    exitCode: 0,
    stdout: "removed collection configmaps.v1. -n default\n",
    stderr: "still held by collection configmaps.v1. -A\n",
  });
  assert.equal((await run("rm", "secrets/s")).stdout, "removed 1 record\n");
  assert.equal((await run("rm", "--documents")).stdout, "removed 1 document\n");
  const again = await run("rm", "configmaps", "--namespace=default");
  assert.deepEqual([again.exitCode, again.stdout], [1, ""]);
  assert.match(again.stderr, /Nothing was removed/);
  assert.equal((await run("verify")).exitCode, 0);
  assert.equal((await run("rm", "--all")).exitCode, 0);
  assert.match((await run("verify")).stdout, /^0 rows checked/);
  assert.equal((await run("ls")).stderr, "Nothing is held\n");
});

for (const command of ["ls", "get", "rm", "verify"] as const) {
  const argument = command === "get" || command === "rm" ? ["pods"] : [];
  test(`cache ${command} refuses another key, and changes nothing`, async () => {
    const { memory, run } = await cacheScene({ files: { "/other.key": "x".repeat(32) } });
    const before = await rowsOf(memory);
    const { exitCode, stdout, stderr } = await run(command, ...argument, "--storage-key-file=/other.key");
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.match(stderr, /^holdfast cache \w+: No row opens: .*--storage-key-file\)\n$/);
    assert.deepEqual(await rowsOf(memory), before);
  });

  for (
    const [what, options, flags, message] of [
      ["a missing store", { missing: true }, [], /holdfast\.db: unable to open .*--root-dir, --disk-cache-path/],
      [
        "a missing key",
        {},
        ["--storage-key-file=/none"],
        /storage key \/none: there is no such file .*--storage-key-file/,
      ],
      ["a key of another length", { files: { "/short": "x" } }, ["--storage-key-file=/short"], /1 bytes instead of 32/],
    ] as const
  ) {
    test(`cache ${command} ends with 1 and one line that names it for ${what}`, async () => {
      const { run } = await cacheScene(options);
      const { exitCode, stdout, stderr } = await run(command, ...argument, ...flags);
      assert.deepEqual([exitCode, stdout, stderr.split("\n").length], [1, "", 2]);
      assert.match(stderr, message);
    });
  }

  test(`cache ${command} takes the hub's own --config file`, async () => {
    const { run } = await cacheScene({
      files: {
        "/hub.yaml": "server-addr: a:1\nnode-name: n\nserve-port: 1\nroot-dir: /state\n",
        "/state/storage.key": "k".repeat(32),
      },
    });
    assert.equal((await run(command, ...argument, "--config=/hub.yaml")).exitCode, 0);
    const { run: wrong } = await cacheScene({ files: { "/hub.yaml": "output: json\n" } });
    const { exitCode, stderr } = await wrong(command, ...argument, "--config=/hub.yaml");
    assert.deepEqual([exitCode, /Unknown key "output" in \/hub\.yaml/.test(stderr)], [2, true], stderr);
  });
}

for (
  const [words, exitCode, message] of [
    [["ls", "podz"], 1, /"podz" \(did you mean pods\?\): held are configmaps\.v1\., pods\.v1\., secrets\.v1\./],
    [["get", "pods/other"], 1, /pods "other" is not held/],
    [["get"], 2, /RESOURCE\[\/NAME\] is required/],
    [["get", "pods", "web"], 2, /Unexpected argument "web": it takes one RESOURCE\[\/NAME\]/],
    [["verify", "pods"], 2, /Unexpected argument "pods"/],
    [["get", "pods/a/b"], 2, /"pods\/a\/b" of RESOURCE\[\/NAME\]: it has more than one \//],
    [["get", "pods/"], 2, /"pods\/" of RESOURCE\[\/NAME\]: NAME/],
    [["get", "/web"], 2, /"\/web" of RESOURCE\[\/NAME\]: RESOURCE/],
    [["ls", "--output=name"], 2, /"name" of --output: must be one of table, json, yaml$/m],
    [["get", "pods", "--output=wide"], 2, /"wide" of --output: must be one of table, json, yaml, name$/m],
    [["ls", "--namespace=A_b"], 2, /"A_b" of --namespace/],
    [["get", "pods", "--show-secrets=maybe"], 2, /"maybe" of --show-secrets/],
    [["rm"], 2, /RESOURCE\[\/NAME\], --documents or --all is required/],
    [["rm", "pods", "--all"], 2, /RESOURCE\[\/NAME\] and --all do not go together/],
    [["rm", "--documents", "--namespace=x"], 2, /--namespace "x" does not go together with --documents/],
    [["rm", "podz"], 1, /Nothing is held of "podz"/],
  ] as const
) {
  test(`cache ${words.join(" ")} ends with ${exitCode} and one line that names it`, async () => {
    const { memory, run } = await cacheScene();
    const before = await rowsOf(memory);
    const [command, ...rest] = words;
    const result = await run(command, ...rest);
    assert.deepEqual([result.exitCode, result.stdout, result.stderr.split("\n").length], [exitCode, "", 2]);
    assert.match(result.stderr, message);
    assert.deepEqual(await rowsOf(memory), before);
  });
}

interface Printed {
  readonly apiVersion: string;
  readonly kind: string;
  readonly items: readonly { readonly data: unknown }[];
  readonly collections: readonly unknown[];
}

/** Not checked: an assertion on what is not there fails. */
function parsed(text: string): Printed {
  return JSON.parse(text) as Printed;
}

async function rowsOf(store: Parameters<typeof keysOf>[0]): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of store.list("")) rows.push(row);
  return rows;
}
