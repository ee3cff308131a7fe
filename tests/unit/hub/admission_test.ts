import assert from "node:assert/strict";
import { test } from "node:test";
import { Admission } from "../../../src/hub/admission.ts";
import type { HubContext } from "../../../src/hub/context.ts";
import { proxy } from "../../../src/hub/proxy.ts";
import { readCall } from "../../../src/hub/read_call.ts";
import { type Caller, nodeCaller } from "../../../src/identity/caller.ts";
import { StatusError } from "../../../src/kube/status.ts";
import { WebExchange } from "../../../src/platform/web_exchange.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import type { LogLine } from "../../testing/running_hub.ts";

const podsPath = "/api/v1/namespaces/default/pods";
const leasePath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1";

interface Asked {
  readonly method?: string;
  readonly component?: string;
  readonly caller?: Caller;
}

function exchangeOf(path: string, { method = "GET", component = "kubelet" }: Asked = {}): WebExchange {
  const headers = { "User-Agent": `${component}/v1.36.0 (linux/amd64)` };
  return new WebExchange(new Request(`http://127.0.0.1${path}`, { method, headers }));
}

function callOf(path: string, asked: Asked = {}) {
  return readCall(exchangeOf(path, asked), asked.caller ?? nodeCaller);
}

function createAdmission(maxRequestsInFlight: number, maxWatches = 100) {
  const clock = createFakeClock();
  const log: LogLine[] = [];
  const logger = {
    log: (level: LogLine["level"], message: string, fields = {}) => void log.push({ level, message, fields }),
    enabled: () => true,
  };
  const admission = new Admission({ maxRequestsInFlight, maxWatches, nodeName: "node-1", clock, logger });
  return { admission, clock, log, logger };
}

function serviceAccount(namespace: string, name: string): Caller {
  const token = { namespace, serviceAccount: { name, uid: "1" } };
  return { scope: { id: `sa:${namespace}:${name}:1` }, token } as Caller; // all that admission looks at
}

for (
  const [kind, path] of [
    ["short", podsPath],
    ["short", `${podsPath}/a/status`],
    ["short", "/version"],
    ["long", `${podsPath}?watch=1`],
    ["long", `/api/v1/watch/namespaces/default/pods`],
    ["long", `${podsPath}/a/log?follow=true`],
    ["long", `${podsPath}/a/exec`],
    ["long", `${podsPath}/a/attach`],
    ["long", `${podsPath}/a/portforward`],
    ["long", `${podsPath}/a/proxy/index.html`],
  ] as const
) {
  test(`Admission counts ${path} as ${kind}`, () => {
    const { admission: { slots }, admission } = createAdmission(10);
    const release = admission.admit(callOf(path));
    assert.deepEqual([slots.short.taken, slots.long.taken], kind === "short" ? [1, 0] : [0, 1]);
    release();
    assert.deepEqual([slots.short.taken, slots.long.taken], [0, 0]);
  });
}

test("Admission refuses with the API server's 429, and says in the log which flag it is, once a second", async () => {
  const { admission, clock, log } = createAdmission(1);
  admission.admit(callOf(podsPath));
  const refused = () => {
    assert.throws(() => admission.admit(callOf(podsPath)), (error) => {
      assert.ok(error instanceof StatusError);
      assert.deepEqual([error.code, error.reason, error.retryAfterSeconds], [429, "TooManyRequests", 1]);
      assert.equal(error.message, "Too many requests, please try again later.");
      return true;
    });
  };
  for (let i = 0; i < 3; i++) refused();
  await clock.advance(1_000);
  refused();
  const fields = { flag: "--max-requests-in-flight", limit: 1, why: "full", client: "node:kubelet" };
  const line = { level: "warn", message: "Too many requests at once: some are refused with 429" } as const;
  assert.deepEqual(log, [{ ...line, fields }, { ...line, fields: { ...fields, leftOut: 2 } }]);
});

function admitted(admission: Admission, path: string, asked: Asked): boolean {
  try {
    admission.admit(callOf(path, asked));
    return true;
  } catch (error) {
    assert.ok(error instanceof StatusError && error.code === 429);
    return false;
  }
}

function flood(admission: Admission, path: string, asked: Asked = {}): number {
  let count = 0;
  while (admitted(admission, path, asked)) count++;
  return count;
}

test("Admission keeps kubelet's heartbeats apart from its reads, and other components from both", () => {
  const { admission } = createAdmission(60);
  assert.equal(flood(admission, podsPath), 40);
  assert.ok(admitted(admission, leasePath, { method: "PUT" }));
  assert.ok(admitted(admission, "/api/v1/nodes/node-1/status", { method: "PATCH" }));
  assert.ok(!admitted(admission, "/api/v1/nodes/node-2", {}));
  assert.ok(admitted(admission, podsPath, { component: "kube-proxy" }));
});

test("Admission takes a component for itself whatever its version, and a service account whatever its User-Agent", () => {
  const { admission } = createAdmission(60);
  const caller = serviceAccount("default", "app");
  const before = flood(admission, podsPath, { component: "runaway", caller });
  assert.equal(before, 30);
  assert.equal(flood(admission, leasePath, { component: "kubelet", caller }), 0);
  assert.ok(admitted(admission, podsPath, { caller: serviceAccount("default", "other") }));
});

test("Admission takes service accounts of kube-system for the system's", () => {
  const { admission } = createAdmission(60);
  for (let i = 0; i < 60; i++) admitted(admission, podsPath, { caller: serviceAccount("default", `app-${i}`) });
  assert.equal(admission.slots.short.taken, 45);
  assert.ok(admitted(admission, podsPath, { caller: serviceAccount("kube-system", "coredns") }));
});

test("proxy gives the slot of a request back where the hub fails in the midst of it", async () => {
  const { admission, logger } = createAdmission(1);
  const filters = {
    of: () => {
      assert.equal(admission.slots.short.taken, 1);
      throw new Error("a fault of the hub");
    },
  };
  const context = { admission, logger, filters } as unknown as HubContext; // fails before it looks at more
  const exchange = exchangeOf(podsPath);
  assert.equal((await proxy(context, exchange, nodeCaller))?.status, 500);
  assert.equal((await exchange.response).status, 500);
  assert.equal(admission.slots.short.taken, 0);
});
