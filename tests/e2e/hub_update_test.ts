import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { clock } from "../../adapters/shared/clock.ts";
import { localSockets } from "../../adapters/shared/local_sockets.ts";
import type { Duplex } from "../../src/platform/bytes.ts";
import type { ChildProgram } from "../testing/child_program.ts";
import { addresses, type ProgramCloud, startHub, withCloud } from "../testing/hub_program.ts";
import { network } from "../testing/network.ts";
import { giveServingCertificate } from "../testing/serving_certificate.ts";
import { connectWire } from "../testing/wire.ts";
import { askOnce, KeptConnection, type Outcome } from "../testing/update_client.ts";

const watches = 100;
const list = "/api/v1/pods?resourceVersion=0";
const watch = "/api/v1/pods?watch=true&resourceVersion=0";
/** How long connections may be refused, on a machine that stands still for no longer than `lag` says. */
const refusedLimitMs = 50;

interface Ports {
  readonly proxy: number;
  readonly secure: number;
  readonly flags: readonly string[];
}

async function freePorts(): Promise<Ports> {
  const listeners = await Promise.all(
    [1, 2, 3].map(() => network.listen({ hostname: "127.0.0.1", port: 0 }, () => new Response())),
  );
  const [proxy = 0, status = 0, secure = 0] = listeners.map(({ port }) => port);
  await Promise.all(listeners.map((listener) => listener.close(0)));
  return { proxy, secure, flags: [`--proxy-port=${proxy}`, `--serve-port=${status}`, `--proxy-secure-port=${secure}`] };
}

/** A hub that has its pods. */
async function startOld(cloud: ProgramCloud, ports: Ports): Promise<ChildProgram> {
  const old = startHub(cloud, ports.flags);
  await addresses(old);
  await until(async () => (await askOnce(ports.proxy, list)).status === 200);
  await until(async () => await stat(`${cloud.folder}/state/takeover/hub.sock`).then(() => true, () => false));
  return old;
}

const startNew = (cloud: ProgramCloud, { flags }: Ports, further: readonly string[] = []) =>
  startHub(cloud, [...flags, "--takeover", ...further]);

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!await isSo()) await pause(5);
}

function pause(delayMs: number): Promise<void> {
  return clock.sleep(delayMs, new AbortController().signal);
}

/** Asks every few milliseconds, each time on a connection of its own, until it is stopped. */
function askOften(port: number): { readonly asked: number; stop(): Promise<readonly Outcome[]> } {
  const asked: Promise<Outcome>[] = [];
  let open = 0;
  const ask = async (): Promise<Outcome> => {
    open++;
    return await askOnce(port, list).finally(() => open--);
  };
  // A machine that is too slow for it is not asked all the more.
  const timer = setInterval(() => {
    if (open < 20) asked.push(ask());
  }, 5);
  return {
    get asked() {
      return asked.length;
    },
    stop: () => {
      clearInterval(timer);
      return Promise.all(asked);
    },
  };
}

/** Watches, and watches again whenever the server ends one properly, until it is stopped. */
function watchOn(port: number): { readonly outcomes: readonly Outcome[]; stop(): void } {
  const outcomes: Outcome[] = [];
  let stopped = false;
  void (async () => {
    while (!stopped) {
      const outcome = await askOnce(port, `${watch}&timeoutSeconds=600`);
      if (stopped) return;
      outcomes.push(outcome);
      if (outcome.how === "refused") await pause(5);
    }
  })();
  return { outcomes, stop: () => void (stopped = true) };
}

/** For how long this process, which has as much to do as the hubs, was not let on at most. */
function measureLag(): { stop(): number } {
  let longestMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last - 2);
    last = now;
  }, 2);
  return {
    stop: () => {
      clearInterval(timer);
      return longestMs;
    },
  };
}

function assertNoOutage(outcomes: readonly Outcome[], lagMs: number): void {
  const refused = outcomes.filter(({ how }) => how === "refused");
  const others = outcomes.filter(({ how, status }) => how !== "refused" && !(how === "complete" && status === 200));
  const [first] = others;
  assert.equal(
    first,
    undefined,
    `${others.length} of ${outcomes.length} like ${first?.how} ${first?.text.slice(-300)}`,
  );
  const began = refused.map(({ beganAt }) => beganAt);
  const refusedMs = refused.length === 0 ? 0 : Math.max(...began) - Math.min(...began);
  const what =
    `refused for ${refusedMs} ms: ${refused.length} of ${outcomes.length}; the machine stood for ${lagMs} ms`;
  assert.ok(refusedMs <= refusedLimitMs + 2 * lagMs, what);
}

test("holdfast hub --takeover updates a hub under 100 watches and steady requests without an error but a clean end", () =>
  withCloud(async (cloud) => {
    const ports = await freePorts();
    const old = await startOld(cloud, ports);
    const watching = Array.from({ length: watches }, () => watchOn(ports.proxy));
    const kept = new KeptConnection(ports.proxy);
    const keptOutcomes: Outcome[] = [];
    let done = false;
    const asking = (async () => {
      while (!done) {
        keptOutcomes.push(await kept.ask(list));
        await pause(8);
      }
    })();
    const often = askOften(ports.proxy);
    await until(() => keptOutcomes.length > 2 && often.asked > 20);
    const lag = measureLag();
    const next = startNew(cloud, ports);
    await next.waitForError("Hub listens");
    const { exitCode, stderr } = await old.ended;
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /Another process has taken over/);
    await until(() => watching.every(({ outcomes }) => outcomes.some(({ how }) => how === "complete")));
    await pause(300);
    done = true;
    const outcomes = await often.stop();
    await asking;
    for (const { stop } of watching) stop();
    kept.close();
    const ended = watching.flatMap((each) => each.outcomes);
    assertNoOutage([...outcomes, ...ended, ...keptOutcomes], lag.stop());
    assert.ok(kept.repeated <= 1, `${kept.repeated} kept connections were found closed`);
    // Each watch was ended once, behind all that it had been shown.
    assert.deepEqual(
      watching.map((each) => each.outcomes.filter(({ how }) => how === "complete").length),
      Array(watches).fill(1),
    );
    for (const { text } of ended.filter(({ how }) => how === "complete")) assert.match(text, /"type":"ADDED"/);
    next.kill("SIGTERM");
    assert.equal((await next.ended).exitCode, 0);
  }));

test("holdfast hub --takeover takes the TLS port too, with the certificate that it has", () =>
  withCloud(async (cloud) => {
    await giveServingCertificate(cloud);
    const ports = await freePorts();
    const old = await startOld(cloud, ports);
    await old.waitForError("Hub listens with TLS");
    const { cert, key } = await cloud.authority.issue({
      commonName: "system:node:node-1",
      organizations: ["system:nodes"],
    });
    const next = startNew(cloud, ports);
    await next.waitForError("The old hub has let go of its ports");
    // Asked while nobody can answer yet: held.
    const wire = await connectWire(ports.secure, { ca: cloud.ca, cert, key });
    wire.send(`GET ${list} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    await addresses(next);
    assert.match(await wire.untilClosed(), /^HTTP\/1\.1 200 [^]*"web-1"/);
    wire.destroy();
    assert.match(next.errors(), new RegExp(`Hub listens with TLS.* port=${ports.secure}`));
    assert.equal((await old.ended).exitCode, 0);
  }));

test("holdfast hub --takeover starts like any hub where none runs, and is taken over itself", () =>
  withCloud(async (cloud) => {
    const ports = await freePorts();
    const first = startNew(cloud, ports);
    await addresses(first);
    assert.match(first.errors(), /No hub runs here/);
    const second = startNew(cloud, ports);
    await addresses(second);
    assert.equal((await first.ended).exitCode, 0);
    assert.equal((await askOnce(ports.proxy, list)).status, 200);
  }));

test("holdfast hub --takeover takes over from a hub that is killed while it hands over", () =>
  withCloud(async (cloud) => {
    const ports = await freePorts();
    const old = await startOld(cloud, ports);
    const next = startNew(cloud, ports);
    await next.waitForError("The old hub has let go of its ports");
    old.kill("SIGKILL");
    const held = askOnce(ports.proxy, list);
    await addresses(next);
    // A commit may have been faster than the signal.
    assert.match(next.errors(), /The old hub has gone before it was done|Hub listens/);
    const { status, how } = await held;
    assert.deepEqual([status, how], [200, "complete"]);
    await old.ended;
  }));

test("holdfast hub takes the node back from a successor that is killed before it runs, and lets none in for a while", () =>
  withCloud(async (cloud) => {
    const ports = await freePorts();
    const old = await startOld(cloud, ports);
    const next = startNew(cloud, ports);
    await next.waitForError("The old hub has let go of its ports");
    next.kill("SIGKILL");
    await old.waitForError("this one takes the node back");
    await until(() => (old.errors().match(/Hub listens/g) ?? []).length === 2);
    assert.equal((await askOnce(ports.proxy, list)).status, 200);
    await until(async () => await stat(`${cloud.folder}/state/takeover/hub.sock`).then(() => true, () => false));
    const again = await startNew(cloud, ports).ended;
    assert.equal(again.exitCode, 1);
    assert.match(again.stderr, /Cannot take over from the running hub: a take-over has failed \d+ s ago/);
    assert.equal((await askOnce(ports.proxy, list)).status, 200);
    old.kill("SIGTERM");
    assert.equal((await old.ended).exitCode, 0);
  }));

test("holdfast hub takes the node back from a successor that is told to stop before it runs", () =>
  withCloud(async (cloud) => {
    const ports = await freePorts();
    const old = await startOld(cloud, ports);
    const next = startNew(cloud, ports);
    await next.waitForError("The old hub has let go of its ports");
    next.kill("SIGTERM");
    const { exitCode, stderr } = await next.ended;
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /Hub stops before it has taken over/);
    await until(() => (old.errors().match(/Hub listens/g) ?? []).length === 2);
    assert.equal((await askOnce(ports.proxy, list)).status, 200);
  }));

test("holdfast hub goes on where its successor could not start, and hears nothing of it", () =>
  withCloud(async (cloud) => {
    const ports = await freePorts();
    const old = await startOld(cloud, ports);
    await writeFile(`${cloud.folder}/other.key`, "x".repeat(32));
    const often = askOften(ports.proxy);
    for (
      const [flags, message] of [
        [[`--storage-key-file=${cloud.folder}/other.key`], /sealed with another key/],
        [["--kubeconfig=/none"], /\/none/],
        [["--working-mode=cloud"], /--takeover and --working-mode=cloud do not go together/],
      ] as const
    ) {
      const ended = await startNew(cloud, ports, flags).ended;
      assert.notEqual(ended.exitCode, 0);
      assert.match(ended.stderr, message);
    }
    const outcomes = await often.stop();
    assert.deepEqual(outcomes.filter(({ how, status }) => how !== "complete" || status !== 200), []);
    assert.doesNotMatch(old.errors(), /hands over/);
  }));

test("holdfast hub without --takeover leaves a running hub alone and ends with 1", () =>
  withCloud(async (cloud) => {
    const ports = await freePorts();
    await startOld(cloud, ports);
    const second = await startHub(cloud, ports.flags).ended;
    assert.equal(second.exitCode, 1);
    assert.match(second.stderr, /another process writes it/);
    assert.equal((await askOnce(ports.proxy, list)).status, 200);
  }));

test("holdfast hub --takeover does not wait for ever for a hub that is hung", () =>
  withCloud(async (cloud) => {
    const ports = await freePorts();
    const old = await startOld(cloud, ports);
    old.kill("SIGSTOP");
    const ended = await startNew(cloud, ports).ended;
    assert.equal(ended.exitCode, 1);
    assert.match(ended.stderr, /Cannot take over from the running hub: it has said nothing for 5 s/);
    old.kill("SIGCONT");
    await old.waitForError("Another hub may not take over");
    assert.match(old.errors(), /it has gone/);
    assert.equal((await askOnce(ports.proxy, list)).status, 200);
    assert.doesNotMatch(old.errors(), /hands over/);
  }));

test("holdfast hub goes on where somebody says what it does not understand", () =>
  withCloud(async (cloud) => {
    const ports = await freePorts();
    const old = await startOld(cloud, ports);
    const path = `${cloud.folder}/state/takeover/hub.sock`;
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await stat(`${cloud.folder}/state/takeover`)).mode & 0o777, 0o700);
    for (
      const [line, answer] of [
        ["{}\n", ""],
        [
          '{"say":"take-over","protocol":2,"version":"9"}\n',
          '{"say":"refused","reason":"it speaks protocol 2, not 1"}\n',
        ],
        ['{"say":"running"}\n', '{"say":"refused","reason":"it does not ask to take over"}\n'],
      ] as const
    ) {
      const connection = await localSockets.connect(path);
      assert.ok(connection);
      assert.equal(await exchanged(connection, line), answer);
    }
    assert.equal((await askOnce(ports.proxy, list)).status, 200);
    assert.doesNotMatch(old.errors(), /hands over/);
  }));

test("holdfast hub goes on where its successor is gone before it is ready, and the next one takes over", () =>
  withCloud(async (cloud) => {
    const ports = await freePorts();
    const old = await startOld(cloud, ports);
    const connection = await localSockets.connect(`${cloud.folder}/state/takeover/hub.sock`);
    assert.ok(connection);
    void connection.write(new TextEncoder().encode('{"say":"take-over","protocol":1,"version":"9"}\n'));
    for await (const chunk of connection.source) {
      assert.match(new TextDecoder().decode(chunk), /^\{"say":"ports"/);
      break;
    }
    connection.destroy();
    await old.waitForError("The other process is not ready to take over: this hub goes on");
    assert.equal((await askOnce(ports.proxy, list)).status, 200);
    assert.equal(old.errors().match(/Hub listens/g)?.length, 1);
    await until(async () => await stat(`${cloud.folder}/state/takeover/hub.sock`).then(() => true, () => false));
    await addresses(startNew(cloud, ports));
    assert.equal((await old.ended).exitCode, 0);
  }));

async function exchanged(connection: Duplex, line: string): Promise<string> {
  void connection.write(new TextEncoder().encode(line));
  let text = "";
  for await (const chunk of connection.source) text += new TextDecoder().decode(chunk);
  connection.destroy();
  return text;
}
