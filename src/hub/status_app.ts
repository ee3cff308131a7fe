import { Hono } from "hono";
import type { Metrics } from "../platform/metrics.ts";
import type { Outbox } from "../replica/outbox.ts";
import { createCacheApp } from "./cache_app.ts";
import type { HubContext } from "./context.ts";
import { certificateChecks, type HubCertificates } from "./hub_certificates.ts";
import { createJoinTokenApp } from "./join_token_app.ts";
import { createOutboxApp } from "./outbox_app.ts";
import type { Filters } from "./filters.ts";
import { iso, leaseStatus, linkStatus } from "./link_status.ts";
import type { Check } from "./readiness_check.ts";

export interface StatusAppOptions {
  readonly context: HubContext;
  readonly metrics: Metrics;
  readonly version: string;
  readonly startedAt: number;
  readonly certificates?: HubCertificates;
  /** Why the TLS port is not open; nothing where it is. */
  readonly secureProblem?: () => string | undefined;
}

/** The routes of the status server (design, section 9). */
export function createStatusApp(options: StatusAppOptions): Hono {
  const { context, metrics, version, startedAt, certificates } = options;
  const app = new Hono();
  app.get("/healthz", (c) => c.text("ok"));
  app.get("/livez", (c) => c.text("ok"));
  app.get("/readyz", (c) => {
    const checks = [...readiness(context), ...portChecks(options)];
    const ready = checks.every((check) => check.ok || check.informational);
    if (ready && c.req.query("verbose") === undefined) return c.text("ok");
    return c.text(verbose(checks, ready), ready ? 200 : 503);
  });
  app.get("/metrics", async () => {
    const { contentType, text } = await metrics.render();
    return new Response(text, { headers: { "Content-Type": contentType } });
  });
  app.get("/v1/status", (c) => c.json(status(context, { version, startedAt })));
  app.route("/", createCacheApp(context));
  app.route("/", createOutboxApp(context));
  app.route("/", createJoinTokenApp(certificates?.takeJoinToken));
  app.notFound((c) => c.text("404 page not found", 404));
  return app;
}

function readiness({ link, replica, outbox, filters, customColumns }: HubContext): Check[] {
  const { failure } = replica.batch;
  return [
    { name: "ping", ok: true, why: "" },
    { name: "restored", ok: true, why: "" },
    { name: "link-checked", ok: link.state !== "unknown", why: "the link to the cloud was not checked yet" },
    {
      name: "cloud",
      ok: link.state === "online",
      why: `out of reach: ${link.reason}, the replica answers`,
      informational: true,
    },
    {
      name: "store",
      ok: failure === undefined,
      why: `going on from memory: ${failure ?? ""}, the replica answers`,
      informational: true,
    },
    ...(outbox === undefined ? [] : [outboxCheck(outbox)]),
    ...(filters === undefined ? [] : [filtersCheck(filters)]),
    ...(customColumns.problem === undefined ? [] : [columnsCheck(customColumns.problem)]),
  ];
}

function filtersCheck(filters: Filters): Check {
  const problems = filters.problems();
  return { name: "filters", ok: problems.length === 0, why: `off: ${problems.join("; ")}`, informational: true };
}

function columnsCheck(problem: string): Check {
  return { name: "custom-columns", ok: false, why: `off: ${problem}`, informational: true };
}

function outboxCheck({ failure, size }: Outbox): Check {
  const why = failure === undefined ? `${size} objects wait for the cloud` : `cannot be written: ${failure}`;
  return { name: "outbox", ok: failure === undefined && size === 0, why, informational: true };
}

function portChecks({ certificates, secureProblem }: StatusAppOptions): readonly Check[] {
  return [
    ...(certificates === undefined ? [] : certificateChecks(certificates)),
    ...(secureProblem === undefined ? [] : [secureCheck(secureProblem())]),
  ];
}

function secureCheck(problem: string | undefined): Check {
  const why = `not open: ${problem ?? ""}, all else works`;
  return { name: "secure-port", ok: problem === undefined, why, informational: true };
}

/** In the form of kube-apiserver's own /readyz?verbose. */
function verbose(checks: readonly Check[], ready: boolean): string {
  const lines = checks.map(({ name, ok, why, informational }) => {
    if (ok) return `[+]${name} ok`;
    return informational ? `[!]${name} ${why}` : `[-]${name} failed: ${why}`;
  });
  return [...lines, ready ? "readyz check passed" : "readyz check failed", ""].join("\n");
}

function status(
  context: HubContext,
  hub: { readonly version: string; readonly startedAt: number },
) {
  const { replica, nodeName, platform } = context;
  return {
    version: hub.version,
    runtime: platform.runtime,
    nodeName,
    startedAt: iso(hub.startedAt),
    link: linkStatus(context),
    lease: leaseStatus(context),
    traffic: context.cloud.traffic.clients(),
    store: {
      ok: replica.batch.failure === undefined,
      pendingRows: replica.batch.pendingRows,
      ...(replica.batch.failure === undefined ? {} : { error: replica.batch.failure }),
    },
    records: { count: replica.records.size, bytes: replica.records.bytes, dropped: replica.records.dropped },
    documents: {
      count: replica.documents.size,
      bytes: replica.documents.bytes,
      dropped: replica.documents.dropped,
    },
    collections: [...replica.collections()].map((collection) => ({
      ...collection.query,
      state: collection.state,
      since: iso(collection.since),
      resourceVersion: collection.resourceVersion,
      epoch: collection.epoch,
      objects: collection.size,
      watchers: collection.watchers,
    })),
  };
}
