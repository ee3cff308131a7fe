import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { condition, getJson } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { type Kubectl, kubectl, type KubectlResult, type RunKubectlOptions } from "./driver/kubectl.ts";
import { configMap, list, pod } from "./driver/manifests.ts";
import { freePort } from "./driver/ports.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { waitFor, within } from "./driver/wait.ts";

const NODE = "node-1";
const ticker = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.2; done"];

describe("kubectl through the hub", () => {
  let scene: Scene;
  let adminHub: Hub;
  let direct: Kubectl;
  let hub: Kubectl;

  before(async () => {
    scene = await startScene({ hub: true, node: true, nodeName: NODE });
    const { cluster, relay } = scene;
    adminHub = await startHubOf({ cluster, relay, name: "admin", identity: "admin" });
    direct = cluster.direct;
    hub = cluster.kubectlAt(adminHub.url);
    const serverPort = await freePort();
    const echo = `require("net").createServer((s) => s.pipe(s)).listen(${serverPort}, "127.0.0.1")`;
    await direct.ok(["create", "-f", "-"], {
      stdin: list(
        pod({ name: "ticker", nodeName: NODE, command: ticker, labels: { app: "ticker", tier: "back" } }),
        pod({
          name: "server",
          nodeName: NODE,
          command: [process.execPath, "-e", echo],
          container: { ports: [{ containerPort: serverPort }] },
        }),
        configMap("settings", { COLOUR: "green" }),
      ),
    });
    for (const name of ["ticker", "server"]) {
      await waitFor(`the pod ${name} to be Ready`, 30_000, async (seen) => {
        const object = await getJson(cluster.api, `/api/v1/namespaces/default/pods/${name}`);
        seen(object.status);
        return condition(object, "Ready") === "True";
      });
    }
  });
  beforeEach(async () => {
    await direct.ok(["delete", "configmap", "subject", "--ignore-not-found"]);
  });
  after(async () => {
    await adminHub?.stop();
    await scene?.stop();
  });

  describe("reads", () => {
    for (
      const args of [
        ["get", "pods"],
        ["get", "pods", "-o", "wide"],
        ["get", "pods", "-o", "yaml"],
        ["get", "pods", "ticker", "-o", "json"],
        ["get", "pods", "-A", "-l", "app=ticker,tier in (back,front)"],
        ["get", "pods", "-l", "app!=ticker", "-o", "name"],
        ["get", "pods", "-A", "--field-selector", `spec.nodeName=${NODE},status.phase=Running`],
        ["get", "pods", "nothing"],
        ["get", "nodes,configmaps,serviceaccounts,leases", "-A"],
        ["get", "--raw", "/version"],
        ["get", "--raw", "/api/v1/namespaces?limit=2"],
        ["describe", "pod", "ticker"],
        ["describe", "configmap", "settings"],
        ["api-resources"],
        ["explain", "pod.spec.nodeName"],
        ["auth", "can-i", "--list"],
        ["logs", "ticker", "--limit-bytes=30"],
        ["logs", "nothing"],
      ]
    ) it(`kubectl ${args.join(" ")} says what it says directly`, () => assertSame(args));

    it("kubectl get -w shows the same events", async () => {
      const args = ["get", "configmaps", "-w", "--output-watch-events", "-l", "test=watch"];
      const watches = [direct, hub].map((one, i) => one.start(args, scene.cluster.file(`watch-${i}.log`)));
      // A watch with no object yet prints nothing: what is made first shows that both have begun.
      await waitFor("both watches to show their first event", 15_000, async () => {
        await direct.run(["create", "configmap", "first"]);
        await direct.ok(["label", "configmap", "first", "test=watch", `at=${Date.now()}`, "--overwrite"]);
        return watches.every((watch) => eventsOf(watch.log()).includes("ADDED first 0"));
      });
      await direct.ok(["create", "-f", "-"], { stdin: JSON.stringify(configMap("second", {})) });
      await direct.ok(["label", "configmap", "second", "test=watch"]);
      await direct.ok(["label", "configmap", "second", "test=other", "--overwrite"]);
      await direct.ok(["delete", "configmap", "first", "second"]);
      const [want, got] = await waitFor("the deletion in both watches", 10_000, (seen) => {
        const ends = watches.map((watch) => eventsOf(watch.log()).slice(-4));
        seen(ends);
        return ends.every((events) => events.at(-1) === "DELETED first 0") && ends;
      });
      assert.deepEqual(got, want);
      assert.deepEqual(got?.slice(-3), [
        "ADDED second 0",
        "DELETED second 0",
        "DELETED first 0",
      ]);
      for (const watch of watches) await watch.stop();
    });
  });

  describe("writes", () => {
    const steps = (subject: string): [string, readonly string[], RunKubectlOptions?][] => [
      ["apply creates", ["apply", "-f", "-"], { stdin: subject }],
      ["apply changes nothing", ["apply", "-f", "-"], { stdin: subject }],
      ["apply changes", ["apply", "-f", "-"], { stdin: subject.replace("green", "blue") }],
      ["create of what is there", ["create", "-f", "-"], { stdin: subject }],
      ["merge patch", ["patch", "configmap", "subject", "--type=merge", "-p", '{"data":{"A":"1","COLOUR":null}}']],
      ["strategic patch", [
        "patch",
        "configmap",
        "subject",
        "--type=strategic",
        "-p",
        '{"metadata":{"labels":{"b":"2"}}}',
      ]],
      ["json patch", [
        "patch",
        "configmap",
        "subject",
        "--type=json",
        "-p",
        '[{"op":"add","path":"/data/C","value":"3"}]',
      ]],
      ["json patch that fails", [
        "patch",
        "configmap",
        "subject",
        "--type=json",
        "-p",
        '[{"op":"test","path":"/data/C","value":"4"}]',
      ]],
      ["server-side apply", ["apply", "--server-side", "--field-manager=other", "-f", "-"], {
        stdin: JSON.stringify(configMap("subject", { D: "4" })),
      }],
      ["server-side apply with a conflict", ["apply", "--server-side", "--field-manager=third", "-f", "-"], {
        stdin: JSON.stringify(configMap("subject", { D: "5" })),
      }],
      ["server-side dry run", ["apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-"], {
        stdin: JSON.stringify(configMap("subject", { D: "5" })),
      }],
      ["label", ["label", "configmap", "subject", "e=5"]],
      ["annotate", ["annotate", "configmap", "subject", "f=6"]],
      ["invalid", ["patch", "configmap", "subject", "--type=merge", "-p", '{"data":{"a b":"1"}}']],
      ["state", ["get", "configmap", "subject", "-o", "jsonpath={.data}{.metadata.labels}"]],
      ["managers", [
        "get",
        "configmap",
        "subject",
        "-o",
        "jsonpath={.metadata.managedFields[*].manager}",
        "--show-managed-fields",
      ]],
      ["delete", ["delete", "configmap", "subject"]],
      ["delete of what is gone", ["delete", "configmap", "subject"]],
    ];

    it("apply, the three patches, server-side apply and delete give the same results step by step", async () => {
      const subject = JSON.stringify(configMap("subject", { COLOUR: "green" }));
      const results: KubectlResult[][] = [];
      for (const one of [direct, hub]) {
        const own: KubectlResult[] = [];
        for (const [, args, options] of steps(subject)) own.push(await one.run(args, options));
        results.push(own);
      }
      const names = steps(subject).map(([name]) => name);
      const [want = [], got = []] = results.map((own) =>
        own.map((result, i) => ({
          step: names[i],
          ...result,
          stdout: names[i] === "managers" ? sortWords(result.stdout) : result.stdout,
        }))
      );
      assert.deepEqual(got, want);
      assert.ok(want.some(({ code, stderr }) => code === 1 && stderr.includes("conflict")), "a conflict was tried");
    });

    it("a paged list and a large object come whole", async () => {
      const large = configMap("subject", { big: "x".repeat(900_000) });
      await hub.ok(["create", "-f", "-"], { stdin: JSON.stringify(large) });
      assert.equal((await hub.ok(["get", "configmap", "subject", "-o", "jsonpath={.data.big}"])).length, 900_000);
      await assertSame(["get", "configmaps", "-A", "--chunk-size=1", "-o", "name"]);
    });
  });

  describe("streams", () => {
    it("logs -f delivers lines as they are written", async () => {
      const follow = hub.start(["logs", "-f", "--tail=1", "ticker"], scene.cluster.file("logs.log"));
      const count = (): number => follow.log().split("\n").filter((line) => /^tick \d+$/.test(line)).length;
      await waitFor("the first lines", 10_000, () => count() >= 2);
      const had = count();
      await waitFor("five more lines", 5_000, () => count() >= had + 5);
      await follow.stop();
      const numbers = follow.log().trim().split("\n").map((line) => Number(line.split(" ")[1]));
      for (const [i, number] of numbers.entries()) assert.equal(number, (numbers[0] ?? 0) + i);
    });

    for (const protocol of ["websocket", "spdy"]) {
      const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: String(protocol === "websocket") };
      it(`exec passes stdin, stdout, stderr and the exit code on (${protocol})`, async () => {
        const stdin = "line of input\n".repeat(20_000);
        const command = ["exec", "-i", "ticker", "--", "sh", "-c", "cat; echo to stderr >&2; exit 7"];
        const [want, got] = [await direct.run(command, { stdin, env }), await hub.run(command, { stdin, env })];
        assert.deepEqual(got, want);
        assert.deepEqual([got.code, got.stdout.length], [7, stdin.length]);
        assert.ok(got.stderr.includes("to stderr"));
      });
    }

    for (const protocol of ["websocket", "spdy"]) {
      const env = { KUBECTL_PORT_FORWARD_WEBSOCKETS: String(protocol === "websocket") };
      it(`port-forward carries connections side by side (${protocol})`, async () => {
        const remote = await direct.ok([
          "get",
          "pod",
          "server",
          "-o",
          "jsonpath={.spec.containers[0].ports[0].containerPort}",
        ]);
        const local = await freePort();
        const forward = hub.start(
          ["port-forward", "pod/server", `${local}:${remote}`],
          scene.cluster.file(`forward-${protocol}.log`),
          env,
        );
        await forward.waitUntil(
          "'Forwarding from'",
          10_000,
          () => forward.log().includes("Forwarding from 127.0.0.1") || undefined,
        );
        const payloads = [1, 2, 3].map((n) => Buffer.alloc(300_000, String(n)));
        const echoes = await Promise.all(payloads.map((payload) => echoed(local, payload)));
        for (const [i, payload] of payloads.entries()) assert.ok(echoes[i]?.equals(payload), `echo ${i}`);
        await forward.stop();
      });
    }

    it("cp copies files both ways", async () => {
      const folder = scene.cluster.file("copies");
      mkdirSync(folder);
      const bytes = Buffer.from(Array.from({ length: 500_000 }, (_, i) => (i * 31) % 256));
      writeFileSync(join(folder, "up"), bytes);
      await hub.ok(["cp", join(folder, "up"), `ticker:${join(folder, "there")}`]);
      assert.ok(readFileSync(join(folder, "there")).equals(bytes));
      await hub.ok(["cp", `ticker:${join(folder, "there")}`, join(folder, "back")]);
      assert.ok(readFileSync(join(folder, "back")).equals(bytes));
    });
  });

  describe("through the node's hub", () => {
    for (
      const args of [
        ["get", "secrets"],
        ["get", "secrets", "-A"],
        ["get", "pods", "-A", "--field-selector", `spec.nodeName=${NODE}`],
        ["get", "pods", "-A"],
        ["get", "node", NODE],
        ["get", "node", "node-2"],
        ["get", "services", "-A"],
        ["delete", "configmap", "settings"],
        ["auth", "whoami"],
      ]
    ) {
      it(`kubectl ${args.join(" ")} says what the node itself is told`, async () => {
        const { program } = scene.cluster;
        assert.ok(scene.hub);
        const asNode = kubectl({
          program,
          kubeconfig: scene.cluster.kubeconfig(NODE),
          cacheDir: scene.cluster.file("kubectl-node"),
        });
        await assertSame(args, asNode, scene.cluster.kubectlAt(scene.hub.url));
      });
    }
  });

  /** Ages move on between two calls, and often on a busy machine: a later round counts as well. */
  async function assertSame(
    args: readonly string[],
    reference: Kubectl = direct,
    subject: Kubectl = hub,
  ): Promise<void> {
    for (let round = 0;; round++) {
      const [want, got] = await Promise.all([reference.run(args), subject.run(args)]);
      try {
        assert.deepEqual(got, want);
        return;
      } catch (error) {
        if (round === 11) throw error;
      }
    }
  }
});

function eventsOf(log: string): string[] {
  return log.split("\n").flatMap((line) => {
    const event = /^(ADDED|MODIFIED|DELETED)\s+(\S+)\s+(\d+)/.exec(line);
    return event === null ? [] : [event.slice(1).join(" ")];
  });
}

/** kubectl prints the managers in the order of their times, which have seconds. */
function sortWords(text: string): string {
  return text.split(" ").sort().join(" ");
}

/** What comes back of a payload, with the sending side closed at the end. */
function echoed(port: number, payload: Buffer): Promise<Buffer> {
  const answer = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const socket = connect(port, "127.0.0.1", () => socket.write(payload));
    socket.on("error", reject).on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length < payload.length) return;
      socket.destroy();
      resolve(Buffer.concat(chunks));
    });
  });
  return within(answer, 15_000, `the echo through port ${port}`);
}
