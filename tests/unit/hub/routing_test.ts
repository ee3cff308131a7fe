import assert from "node:assert/strict";
import { test } from "node:test";
import { fallback, type Route, route, type RoutingQuestion } from "../../../src/hub/routing.ts";
import { encodeHubContinue } from "../../../src/kube/continue_token.ts";
import { parseListOptions } from "../../../src/kube/list_options.ts";
import { parseRequest } from "../../../src/kube/request_info.ts";

const pods = "/api/v1/namespaces/default/pods";
const watchList = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";

const hubToken = encodeHubContinue({ list: "l", resourceVersion: "5", start: "default/p\0" });

type Change = Partial<Omit<RoutingQuestion, "info" | "options" | "method">>;
type Row = readonly [what: string, method: string, path: string, online: Route, offline: Route, change?: Change];

const lease = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1";

/** A read of a verified service account, of a built-in group. */
const sharing: Change = { ownCredential: true, shares: true };

/** A write of one. */
const writing: Change = { ownCredential: true, showsWritten: true };

const table: Record<string, readonly Row[]> = {
  "credentials and dry runs": [
    ["own credential, list", "GET", `${pods}?resourceVersion=0`, "pass", "refuse", { ownCredential: true }],
    ["own credential, write", "POST", pods, "pass", "refuse", { ownCredential: true }],
    ["own credential, discovery", "GET", "/api", "pass", "refuse", { ownCredential: true }],
    ["own credential, exec", "GET", `${pods}/p/exec`, "pass", "refuse", { ownCredential: true, upgrade: true }],
    ["service account, list of version 0", "GET", `${pods}?resourceVersion=0`, "collection", "held", sharing],
    ["service account, list", "GET", pods, "cloud", "held", sharing],
    ["service account, get of version 0", "GET", `${pods}/p?resourceVersion=0`, "covered", "held", sharing],
    ["service account, watch", "GET", `${pods}?watch=1`, "collection", "held", sharing],
    ["service account, log", "GET", `${pods}/p/log`, "pass", "refuse", sharing],
    ["service account, write", "PATCH", `${pods}/p`, "cloud", "refuse", writing],
    ["service account, dry run", "POST", `${pods}?dryRun=All`, "pass", "refuse", writing],
    ["service account, exec", "POST", `${pods}/p/exec`, "pass", "refuse", { ...writing, upgrade: true }],
    ["service account, impersonation", "GET", pods, "pass", "refuse", { ...sharing, impersonates: true }],
    ["impersonation, get", "GET", `${pods}/p`, "pass", "refuse", { impersonates: true }],
    ["impersonation, watch", "GET", `${pods}?watch=1`, "pass", "refuse", { impersonates: true }],
    ["dry run, create", "POST", `${pods}?dryRun=All`, "pass", "refuse"],
    ["dry run, patch", "PATCH", `${pods}/p?dryRun=All`, "pass", "refuse"],
    ["dry run without a value", "DELETE", `${pods}/p?dryRun`, "pass", "refuse"],
  ],
  "who is no cache agent": [
    ["list", "GET", `${pods}?resourceVersion=0`, "pass", "refuse", { mayAnswer: false }],
    ["discovery", "GET", "/api", "document", "held-document", { mayAnswer: false }],
    ["own lease", "PUT", lease, "lease", "lease", { mayAnswer: false, ownLease: true }],
  ],
  "the node's own lease": [
    ["get", "GET", lease, "lease", "lease", { ownLease: true }],
    ["create", "POST", lease.replace("/node-1", ""), "lease", "lease", { ownLease: true }],
    ["update", "PUT", lease, "lease", "lease", { ownLease: true }],
    ["update, own credential", "PUT", lease, "pass", "refuse", { ownLease: true, ownCredential: true }],
    ["update, dry run", "PUT", `${lease}?dryRun=All`, "pass", "refuse", { ownLease: true }],
    ["another one's", "PUT", lease.replace("node-1", "node-2"), "cloud", "write"],
  ],
  "connections that are joined": [
    ["exec", "POST", `${pods}/p/exec?command=ls`, "pass", "refuse", { upgrade: true }],
    ["attach", "GET", `${pods}/p/attach`, "pass", "refuse", { upgrade: true }],
    ["port-forward", "GET", `${pods}/p/portforward`, "pass", "refuse", { upgrade: true }],
    ["watch over a WebSocket", "GET", `${pods}?watch=1`, "pass", "refuse", { upgrade: true }],
    ["HEAD", "HEAD", pods, "pass", "refuse"],
  ],
  "documents": [
    ["core versions", "GET", "/api", "document", "held-document"],
    ["core resources", "GET", "/api/v1", "document", "held-document"],
    ["groups", "GET", "/apis", "document", "held-document"],
    ["groups, with a slash", "GET", "/apis/", "document", "held-document"],
    ["a group", "GET", "/apis/apps", "document", "held-document"],
    ["resources of a group", "GET", "/apis/apps/v1?timeout=32s", "document", "held-document"],
    ["OpenAPI", "GET", "/openapi/v2", "document", "held-document"],
    ["OpenAPI of a group", "GET", "/openapi/v3/apis/apps/v1?hash=1", "document", "held-document"],
    ["version", "GET", "/version", "document", "held-document"],
    ["version, with a slash", "GET", "/version/", "document", "held-document"],
    ["a POST to a document", "POST", "/apis", "pass", "refuse"],
    ["readyz", "GET", "/readyz", "pass", "refuse"],
    ["metrics", "GET", "/metrics", "pass", "refuse"],
    ["a name that begins alike", "GET", "/apiserver", "pass", "refuse"],
    ["the root", "GET", "/", "pass", "refuse"],
  ],
  "writes": [
    ["create", "POST", pods, "cloud", "write"],
    ["update", "PUT", `${pods}/p`, "cloud", "write"],
    ["patch", "PATCH", `${pods}/p/status`, "cloud", "write"],
    ["delete", "DELETE", `${pods}/p`, "cloud", "write"],
    ["deletecollection", "DELETE", pods, "cloud", "write"],
    ["binding", "POST", `${pods}/p/binding`, "cloud", "write"],
  ],
  "what has no object": [
    ["log", "GET", `${pods}/p/log`, "pass", "refuse"],
    ["exec without an upgrade", "GET", `${pods}/p/exec`, "pass", "refuse"],
    ["status", "GET", `${pods}/p/status`, "pass", "refuse"],
    ["scale", "GET", "/apis/apps/v1/namespaces/d/deployments/x/scale", "pass", "refuse"],
    ["service proxy", "GET", "/api/v1/namespaces/d/services/s/proxy/path", "pass", "refuse"],
    ["proxy of old", "GET", "/api/v1/proxy/namespaces/d/pods/p", "pass", "refuse"],
    ["a shard of a list", "GET", `${pods}?resourceVersion=0&shardSelector=x`, "pass", "refuse"],
    ["protobuf only", "GET", `${pods}?resourceVersion=0`, "pass", "refuse", { takesJson: false }],
    ["a list as one object's metadata", "GET", `${pods}?resourceVersion=0`, "pass", "refuse", { misfit: true }],
    ["wrong options", "GET", `${pods}?resourceVersion=x`, "invalid", "invalid", { invalid: true }],
    ["wrong options, watch", "GET", `${pods}?watch=1`, "invalid", "invalid", { invalid: true }],
    ["wrong options in protobuf", "GET", `${pods}?limit=1`, "pass", "refuse", { invalid: true, takesJson: false }],
  ],
  "other forms": [
    ["watch of a Table", "GET", `${pods}?watch=1`, "pass", "held", { wantsTable: true }],
    ["Table", "GET", `${pods}?resourceVersion=0`, "cloud", "held", { wantsTable: true }],
    ["Table of one", "GET", `${pods}/p`, "cloud", "held", { wantsTable: true }],
  ],
  "watches": [
    ["watch", "GET", `${pods}?watch=1`, "collection", "held"],
    ["watch from X", "GET", `${pods}?watch=1&resourceVersion=5`, "collection", "held"],
    ["WatchList", "GET", `${pods}?${watchList}`, "collection", "held"],
    ["deprecated watch", "GET", "/api/v1/watch/namespaces/default/pods/p", "collection", "held"],
  ],
  "gets": [
    ["get", "GET", `${pods}/p`, "cloud", "held"],
    ["get of version 0", "GET", `${pods}/p?resourceVersion=0`, "covered", "held"],
    ["get of X", "GET", `${pods}/p?resourceVersion=5`, "covered", "held"],
  ],
  "lists": [
    ["list", "GET", pods, "cloud", "held"],
    ["list, first page", "GET", `${pods}?limit=500`, "cloud", "held"],
    ["list of version 0", "GET", `${pods}?resourceVersion=0`, "collection", "held"],
    ["list of version 0, first page", "GET", `${pods}?resourceVersion=0&limit=500`, "collection", "held"],
    ["list of X", "GET", `${pods}?resourceVersion=5`, "collection", "held"],
    [
      "list not older than X",
      "GET",
      `${pods}?resourceVersion=5&resourceVersionMatch=NotOlderThan`,
      "collection",
      "held",
    ],
    [
      "page not older than X",
      "GET",
      `${pods}?resourceVersion=5&resourceVersionMatch=NotOlderThan&limit=5`,
      "collection",
      "held",
    ],
    ["list of exactly X", "GET", `${pods}?resourceVersion=5&resourceVersionMatch=Exact`, "cloud", "expired"],
    ["page of X", "GET", `${pods}?resourceVersion=5&limit=5`, "cloud", "expired"],
    ["further page", "GET", `${pods}?limit=5&continue=abc`, "cloud", "expired"],
    ["further page of the hub's list", "GET", `${pods}?limit=5&continue=${hubToken}`, "page", "page"],
    ["further page as a Table", "GET", `${pods}?continue=${hubToken}`, "page", "page", { wantsTable: true }],
    ["further page with wrong options", "GET", `${pods}?continue=${hubToken}`, "invalid", "invalid", { invalid: true }],
    [
      "further page, own credential",
      "GET",
      `${pods}?continue=${hubToken}`,
      "pass",
      "refuse",
      { ownCredential: true },
    ],
    ["watch with a token", "GET", `${pods}?watch=1&continue=${hubToken}`, "collection", "held"],
  ],
};

function ask(link: RoutingQuestion["link"], [, method, path, , , change]: Row): Route {
  const info = parseRequest(method, path);
  const listed = info.isResource && ["list", "watch", "deletecollection"].includes(info.verb);
  return route({
    link,
    method,
    info,
    ...(listed ? { options: parseListOptions(info.query) } : {}),
    takesJson: true,
    invalid: false,
    misfit: false,
    wantsTable: false,
    ownCredential: false,
    shares: false,
    showsWritten: false,
    ownLease: false,
    mayAnswer: true,
    impersonates: false,
    upgrade: false,
    ...change,
  });
}

for (const [section, rows] of Object.entries(table)) {
  for (const row of rows) {
    const [what, , , online, offline] = row;
    test(`route, ${section}: ${what} is ${online} online, ${offline} offline`, () => {
      assert.deepEqual([ask("online", row), ask("unknown", row), ask("offline", row)], [online, online, offline]);
    });
  }
}

test("fallback holds for reads and documents only", () => {
  const routes: readonly Route[] = ["cloud", "covered", "collection", "document"];
  assert.deepEqual(routes.map(fallback), ["held", "held", "held", "held-document"]);
  const others: readonly Route[] = ["pass", "write", "invalid", "expired", "refuse", "held", "page"];
  assert.ok(others.every((other) => fallback(other) === undefined));
});
