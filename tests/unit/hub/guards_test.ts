import assert from "node:assert/strict";
import { test } from "node:test";
import { guard, type GuardOptions } from "../../../src/hub/guards.ts";
import type { Exchange } from "../../../src/platform/exchange.ts";

interface Asked {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly uid?: number;
}

function refusal({ method = "GET", headers, uid }: Asked, options: Partial<GuardOptions> = {}) {
  const exchange = {
    method,
    header: (name: string) => headers[name],
    peer: { uid: () => Promise.resolve(uid) },
  } as unknown as Exchange; // all that a guard looks at
  return guard(exchange, { allowUids: () => [0, 1000], uidOf: "all", ...options });
}

for (
  const host of [
    "127.0.0.1",
    "127.0.0.1:10261",
    "127.8.9.1:1",
    "localhost",
    "localhost:10267",
    "LOCALHOST:1",
    "[::1]",
    "[::1]:10261",
  ]
) {
  test(`guard lets the host ${host} in`, async () => {
    assert.equal(await refusal({ headers: { host } }), undefined);
  });
}

for (
  const host of [
    "",
    "kubernetes",
    "evil.example:10261",
    "127.0.0.1.evil.example",
    "localhost.evil.example:80",
    "evil.example.localhost:80",
    "10.0.0.1:10261",
    "169.254.2.1:10261",
    "0.0.0.0:10261",
    "[::]:10261",
    "::1",
    "[::ffff:127.0.0.1]",
    "127.0.0.1:10261:1",
    "127.0.0.1@evil.example",
    "2130706433",
  ]
) {
  test(`guard keeps the host "${host}" out`, async () => {
    assert.equal((await refusal({ headers: { host } }))?.code, 403);
  });
}

for (
  const [what, headers, allowed] of [
    ["its own origin", { origin: "http://127.0.0.1:10267" }, true],
    ["another port's origin", { origin: "http://127.0.0.1:8080" }, false],
    ["another name's origin", { origin: "http://localhost:10267" }, false],
    ["a foreign origin", { origin: "https://evil.example" }, false],
    ["the origin null", { origin: "null" }, false],
    ["an empty origin", { origin: "" }, false],
    ["Sec-Fetch-Site none", { "sec-fetch-site": "none" }, true],
    ["Sec-Fetch-Site same-origin", { "sec-fetch-site": "same-origin" }, true],
    ["Sec-Fetch-Site same-site", { "sec-fetch-site": "same-site" }, false],
    ["Sec-Fetch-Site cross-site", { "sec-fetch-site": "cross-site" }, false],
  ] as const
) {
  test(`guard ${allowed ? "lets" : "keeps"} a request with ${what} ${allowed ? "in" : "out"}`, async () => {
    const error = await refusal({ headers: { host: "127.0.0.1:10267", ...headers } });
    assert.equal(error?.code, allowed ? undefined : 403);
  });
}

for (
  const [uid, method, uidOf, allowed] of [
    [0, "GET", "all", true],
    [1000, "POST", "all", true],
    [1001, "GET", "all", false],
    [1001, "GET", "writes", true],
    [1001, "HEAD", "writes", true],
    [1001, "POST", "writes", false],
    [1000, "DELETE", "writes", true],
    [undefined, "POST", "all", true],
  ] as const
) {
  test(`guard of ${uidOf}: user ${uid ?? "unknown"} may ${allowed ? "" : "not "}${method}`, async () => {
    const asked = { method, headers: { host: "localhost" }, ...(uid === undefined ? {} : { uid }) };
    const error = await refusal(asked, { uidOf });
    assert.equal(error?.code, allowed ? undefined : 403);
  });
}
