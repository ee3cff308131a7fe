import assert from "node:assert/strict";
import { test } from "node:test";
import type { HubStatus } from "../../../src/hub/hub_status.ts";
import { openStatusPage } from "../../../src/hub/status_page/page.ts";
import { pageWords } from "../../testing/page_words.ts";

const nowMs = Date.UTC(2026, 0, 1, 12);
const at = (minutesAgo: number) => new Date(nowMs - minutesAgo * 60_000).toISOString();

/** A hub of which there is something of everything, and every text is `text`. */
function statusWith(text: string, change: Partial<HubStatus> = {}): HubStatus {
  const path = { group: text, version: text, resource: text, namespace: text };
  const written = { ...path, name: text, kind: "status" as const, uid: text, writes: 2, since: at(3) };
  return {
    version: text,
    runtime: text,
    nodeName: text,
    startedAt: at(50),
    ready: true,
    checks: [{ name: text, ok: false, why: text, informational: true }],
    link: {
      workingMode: "edge",
      state: "online",
      since: at(2),
      reason: text,
      cluster: undefined,
      backends: [text, `${text}2`].map((address) => ({
        address,
        state: "healthy",
        since: at(2),
        reason: text,
        inFlight: 3,
      })),
    },
    history: {
      windowMs: 3_600_000,
      dropped: 2,
      changes: [
        { at: at(50), state: "unknown", reason: text },
        { at: at(49), state: "online", reason: text },
        { at: at(49), address: text, state: "healthy", reason: text },
        { at: at(12), state: "offline", reason: text },
        { at: at(2), state: "online", reason: text },
      ],
    },
    lease: { alive: true, kubeletRenewedAt: at(0.1), renewedAt: at(0.1), failure: text },
    traffic: [],
    clients: [{
      client: text,
      answered: { cloud: 1, replica: 1_204, outbox: 0, hub: 0 },
      link: { requests: 7, failed: 1, sentBytes: 0, receivedBytes: 4_718_592 },
    }],
    store: { ok: false, pendingRows: 0, error: text },
    objects: { count: 1, bytes: 2_048, memoryBytes: 0 },
    records: { count: 0, bytes: 0, dropped: 0 },
    documents: { count: 0, bytes: 0, dropped: 0 },
    collections: [{
      ...path,
      labelSelector: text,
      fieldSelector: text,
      state: "refused",
      since: at(5),
      resourceVersion: text,
      epoch: 0,
      objects: 1,
      bytes: 2_048,
      watchers: 0,
      lastRead: at(4),
      scope: text,
      refusal: text,
    }],
    outbox: {
      enabled: true,
      objects: 1,
      bytes: 10,
      maxBytes: 1_024,
      refused: 0,
      error: text,
      ended: { pushed: 1 },
      waiting: [{ ...written, changedAt: at(1), attempts: 2, error: text }],
      settled: [{ ...written, settledAt: at(1), how: "refused", message: text }],
    },
    certificates: { client: { expiresAt: at(-600) }, serving: { failure: text }, servingDistrusted: text },
    filters: { problems: [text], failures: { [text]: 3 } },
    ...change,
  };
}

async function pageOf(status: HubStatus): Promise<string> {
  return await (await (await openStatusPage())(status, nowMs)).text();
}

for (
  const hostile of [`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onload='alert(1)`, "&lt;b&gt;"]
) {
  test(`the page shows ${hostile} as text, wherever it stands`, async () => {
    const escaped = hostile.replace(
      /[&<>"']/g,
      (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[one] ?? one,
    );
    const page = await pageOf(statusWith(hostile));
    assert.ok(!page.includes(hostile));
    // Every text of the status but `cluster`, and versions, uids and labels that the page does not name by themselves.
    assert.ok(page.split(escaped).length > 25, String(page.split(escaped).length));
  });
}

test("the page lets through its one style and its one script by their hashes, and names nothing from elsewhere", async () => {
  const response = await (await openStatusPage())(statusWith("node"), nowMs);
  const policy = response.headers.get("content-security-policy") ?? "";
  const page = await response.text();
  for (const element of ["script", "style"]) {
    const contents = [...page.matchAll(new RegExp(`<${element}[^>]*>([^]*?)</${element}>`, "g"))].map(([, text]) =>
      text
    );
    assert.equal(contents.length, 1);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(contents[0]));
    assert.ok(
      policy.includes(`${element}-src 'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`),
      policy,
    );
  }
  assert.match(policy, /^default-src 'none';/);
  assert.doesNotMatch(policy, /unsafe/);
  const addresses = [...page.matchAll(/(?:src|href|action|content)="([^"]*)"/g)].map(([, address = ""]) => address);
  assert.deepEqual(addresses.filter((address) => /^(https?:)?\/\//.test(address)), []);
  assert.doesNotMatch(page, / (style|on\w+)="/);
});

test("the page tells how the link is and was, in words beside the bars", async () => {
  const page = await pageOf(statusWith("words"));
  assert.match(pageWords(page), /Online\. The cloud answers\. For 2m : words/);
  assert.match(
    pageWords(page),
    /In the 50m that are recorded the link was cut once, 10m in all\. It came back 2m ago\./,
  );
  assert.match(page, /aria-label="The link in the last hour: unrecorded 10m, unknown 60s, online 39m, offline 10m"/);
  assert.match(page, /<rect class="bar bad offline" x="80\.00%" width="16\.67%"/);
  const offline = statusWith("words");
  const changes = offline.history.changes.slice(0, -1);
  const cut = {
    ...offline,
    link: { ...offline.link, state: "offline" as const },
    history: { ...offline.history, changes },
  };
  assert.match(
    pageWords(await pageOf(cut)),
    /Offline\. The cloud is out of reach\. .* cut once, 12m in all\. It is cut now\./,
  );
});

test("the page shows numbers, sizes and ends as what they are", async () => {
  const shown = pageWords(await pageOf(statusWith("x")));
  assert.match(shown, /Answered here 1,204 of 1,205 requests/);
  assert.match(shown, /From the cloud 4\.5 MiB 7 requests/);
  assert.match(shown, /1 object waits for the cloud: 10 B of 1\.0 KiB/);
  assert.match(shown, /refused by the cloud x/);
  assert.match(shown, /client, towards the cloud good in 10h/);
  assert.match(shown, /serving, of the TLS port missing x/);
  assert.match(shown, /x: 3 times/);
});

test("the page leaves out what a hub does not have, and says what there is none of", async () => {
  const page = await pageOf(statusWith("x", {
    checks: [{ name: "ping", ok: true, why: "" }],
    collections: [],
    clients: [],
    outbox: { enabled: false, objects: 0, ended: {}, waiting: [], settled: [] },
    certificates: undefined,
    filters: undefined,
    lease: undefined,
  }));
  for (const absent of ["What is not well", "Certificates", "Filters", "lease"]) {
    assert.ok(!pageWords(page).includes(absent), absent);
  }
  assert.match(
    pageWords(page),
    /Nothing is kept yet: .*Nobody has asked yet\..* takes no writes while the cloud is out of reach/,
  );
});

test("the page of a hub with very many collections ends, and says where the others are", async () => {
  const status = statusWith("x");
  const [one] = status.collections;
  assert.ok(one !== undefined);
  const collections = Array.from({ length: 250 }, (_, i) => ({ ...one, namespace: `n${i}` }));
  assert.match(pageWords(await pageOf({ ...status, collections })), /And 50 more: see \/v1\/status/);
});

test("the page's tables have names, heads of columns and of rows, and every part a heading of its own", async () => {
  const page = await pageOf(statusWith("x"));
  const tables = [...page.matchAll(/<table[^]*?<\/table>/g)].map(([text]) => text);
  assert.ok(tables.length >= 6);
  for (const text of tables) {
    assert.match(text, /<caption>[A-Z]/);
    assert.match(text, /<th role="columnheader" scope="col"/);
    assert.match(text, /<th role="rowheader" scope="row">/);
  }
  const labels = [...page.matchAll(/<section[^>]* aria-labelledby="([^"]+)"/g)].map(([, id]) => id);
  const headings = [...page.matchAll(/<h2 id="([^"]+)"/g)].map(([, id]) => id);
  assert.deepEqual(headings, labels);
  assert.equal(new Set(headings).size, headings.length);
  assert.equal(page.split("<h1>").length, 2);
});
