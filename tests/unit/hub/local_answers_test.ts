import assert from "node:assert/strict";
import { test } from "node:test";
import type { Call } from "../../../src/hub/call.ts";
import { LocalAnswers } from "../../../src/hub/local_answers.ts";

type Ended = Parameters<LocalAnswers["add"]>[0];

function ended(userAgent: string, source: Call["source"], status = 200): Ended {
  const exchange: Partial<Ended["exchange"]> = { rawHeaders: ["User-Agent", userAgent] };
  return { exchange: exchange as Ended["exchange"], source, status }; // it reads the headers alone
}

test("LocalAnswers counts by client and by where the answer came from, and nothing that got none", () => {
  const answers = new LocalAnswers();
  answers.add(ended("kubelet/v1.36", "replica"));
  answers.add(ended("kubelet/v1.35", "cloud"));
  answers.add(ended("kubelet/v1.36", "hub", 503));
  answers.add(ended("kubelet/v1.36", "hub", 0));
  assert.deepEqual([...answers.clients()], [["kubelet", { cloud: 1, replica: 1, outbox: 0, hub: 1 }]]);
});

test("LocalAnswers takes a bounded number of names from clients", () => {
  const answers = new LocalAnswers();
  for (let i = 0; i < 500; i++) answers.add(ended(`agent-${i}/1`, "replica"));
  const clients = answers.clients();
  assert.equal(clients.size, 101);
  assert.equal(clients.get("other")?.replica, 400);
});
