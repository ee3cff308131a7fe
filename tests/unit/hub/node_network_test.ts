import assert from "node:assert/strict";
import { test } from "node:test";
import { NodeNetwork, type NodeNetworkOptions } from "../../../src/hub/node_network.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFakeNode } from "../../testing/fake_node.ts";
import { silentLogger } from "../../testing/lone_replica.ts";

const name = "yurthub-dummy0";
const input = "-A INPUT -d 169.254.2.1/32 -p tcp -m tcp --dport 10268 -m comment --comment " +
  "holdfast-hub-169.254.2.1-10268 -j ACCEPT";
const output = "-A OUTPUT -s 169.254.2.1/32 -p tcp -m tcp --sport 10268 -m comment --comment " +
  "holdfast-hub-169.254.2.1-10268 -j ACCEPT";

function scene(options: Partial<NodeNetworkOptions> = {}) {
  const node = createFakeNode();
  const clock = createFakeClock();
  const network = new NodeNetwork({
    ...{ commands: node.commands, clock, logger: silentLogger, dummy: { name, ip: "169.254.2.1" } },
    ...{ rules: true, port: () => 10_268, keep: false, ...options },
  });
  return { node, clock, network };
}

test("NodeNetwork makes the interface, brings it up and lets pods through, once", async () => {
  const { node, network } = scene();
  await network.ensure();
  assert.deepEqual([...node.links.get(name)?.addresses ?? []], ["169.254.2.1/32"]);
  assert.equal(node.links.get(name)?.up, true);
  assert.deepEqual(node.rules.get("iptables-nft")?.toSorted(), [input, output]);
  assert.deepEqual(network.checks().map(({ ok }) => ok), [true, true]);
  const before = node.commands.lines.length;
  await network.ensure();
  const again = node.commands.lines.slice(before);
  assert.ok(again.length > 0);
  assert.deepEqual(again.filter((line) => !/^(ip -json|\S+-save) /.test(line)), [], "nothing is changed twice");
  await network.close();
});

test("NodeNetwork takes all of it back when it closes, and leaves what is others'", async () => {
  const { node, network } = scene();
  const others = "-A INPUT -p icmp -j DROP";
  node.rules.get("iptables-nft")?.push(others);
  await network.ensure();
  await network.close();
  assert.equal(node.links.size, 0);
  assert.deepEqual(node.rules.get("iptables-nft"), [others]);
});

test("NodeNetwork leaves all of it where it is kept", async () => {
  const { node, network } = scene({ keep: true });
  await network.ensure();
  await network.close();
  assert.equal(node.links.size, 1);
  assert.equal(node.rules.get("iptables-nft")?.length, 2);
});

test("NodeNetwork sets within a minute what somebody has changed", async () => {
  const { node, clock, network } = scene();
  await network.ensure();
  network.start();
  node.links.clear();
  node.rules.get("iptables-nft")?.splice(0);
  await clock.advance(61_000);
  assert.equal(node.links.size, 1);
  assert.equal(node.rules.get("iptables-nft")?.length, 2);
  await network.close();
});

test("NodeNetwork replaces what a hub with another address or port has left", async () => {
  const { node, network } = scene();
  node.links.set(name, { kind: "dummy", up: true, addresses: new Set(["169.254.2.9/32"]) });
  const old = input.replaceAll("10268", "10270");
  node.rules.get("iptables-nft")?.push(old, input, input);
  await network.ensure();
  assert.deepEqual([...node.links.get(name)?.addresses ?? []], ["169.254.2.1/32"]);
  assert.deepEqual(node.rules.get("iptables-nft")?.toSorted(), [input, output]);
  await network.close();
});

test("NodeNetwork leaves an interface of another kind alone", async () => {
  const { node, network } = scene();
  node.links.set(name, { kind: "bridge", up: true, addresses: new Set() });
  await network.ensure();
  assert.match(network.dummyProblem ?? "", /it is no dummy interface/);
  await network.close();
  assert.equal(node.links.get(name)?.addresses.size, 0);
});

test("NodeNetwork tells what ip refuses, tries again, and says when it works", async () => {
  const { node, clock, network } = scene();
  const changes: (string | undefined)[] = [];
  network.onChange(() => changes.push(network.dummyProblem));
  node.refusal = "RTNETLINK answers: Operation not permitted";
  await network.ensure();
  assert.match(network.dummyProblem ?? "", /^ip .* failed: RTNETLINK answers: Operation not permitted$/);
  assert.deepEqual(network.checks().map(({ name, ok, informational }) => [name, ok, informational]), [
    ["dummy-interface", false, true],
    ["iptables", true, true],
  ]);
  network.start();
  node.refusal = undefined;
  await clock.advance(61_000);
  assert.equal(network.dummyProblem, undefined);
  assert.deepEqual(changes.at(-1), undefined);
  assert.equal(changes.length, 2);
  await network.close();
});

test("NodeNetwork uses the variant of iptables in which kubelet has left its hint, also when it comes later", async () => {
  const { node, clock, network } = scene();
  await network.ensure();
  assert.equal(node.rules.get("iptables-nft")?.length, 2);
  network.start();
  node.hinted.add("iptables-legacy");
  await clock.advance(61_000);
  assert.deepEqual(node.rules.get("iptables-nft"), []);
  assert.deepEqual(node.rules.get("iptables-legacy")?.toSorted(), [input, output]);
  await network.close();
  assert.deepEqual(node.rules.get("iptables-legacy"), []);
});

test("NodeNetwork goes on without iptables, and says so", async () => {
  const { node, network } = scene();
  node.rules.clear();
  await network.ensure();
  assert.equal(network.dummyProblem, undefined);
  assert.match(network.rulesProblem ?? "", /iptables-save: ENOENT/);
  await network.close();
  assert.equal(node.links.size, 0);
});

test("NodeNetwork speaks IPv6", async () => {
  const { node, network } = scene({ dummy: { name, ip: "fd00::2:1" } });
  node.rules.set("ip6tables-nft", []);
  await network.ensure();
  assert.deepEqual([...node.links.get(name)?.addresses ?? []], ["fd00::2:1/128"]);
  assert.match(node.rules.get("ip6tables-nft")?.join("\n") ?? "", /-A INPUT -d fd00::2:1\/128 -p tcp/);
  assert.ok(node.commands.lines.some((line) => line.endsWith(" nodad")));
  await network.ensure();
  assert.equal(node.commands.lines.filter((line) => line.startsWith("ip address")).length, 1);
  await network.close();
});
