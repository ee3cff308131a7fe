import { Hono } from "hono";
import { serviceUnavailable } from "../kube/status.ts";
import type { Metrics } from "../platform/metrics.ts";
import { createCacheApp } from "./cache_app.ts";
import { createDebugApp, type DebugOptions } from "./debug_app.ts";
import { hubStatus, type HubStatusParts } from "./hub_status.ts";
import { createJoinTokenApp } from "./join_token_app.ts";
import { createOutboxApp } from "./outbox_app.ts";
import { isReady, readinessChecks, verboseReadiness } from "./readiness.ts";
import { StatusEvents } from "./status_events.ts";
import type { StatusPage } from "./status_page/page.ts";
import { statusResponse } from "./status_response.ts";

export interface StatusAppOptions extends HubStatusParts {
  readonly metrics: Metrics;
  /** Missing where there is no `/debug/…`. */
  readonly debug?: DebugOptions;
}

/** The routes of the status server (design, section 9). */
export function createStatusApp(options: StatusAppOptions): Hono {
  const { context, metrics, certificates } = options;
  const app = new Hono();
  app.get("/healthz", (c) => c.text("ok"));
  app.get("/livez", (c) => c.text("ok"));
  app.get("/readyz", (c) => {
    const checks = readinessChecks(options);
    const ready = isReady(checks);
    if (ready && c.req.query("verbose") === undefined) return c.text("ok");
    return c.text(verboseReadiness(checks), ready ? 200 : 503);
  });
  app.get("/metrics", async () => {
    const { contentType, text } = await metrics.render();
    return new Response(text, { headers: { "Content-Type": contentType } });
  });
  app.get("/v1/status", (c) => c.json(hubStatus(options)));
  app.route("/", createPageApp(options));
  app.route("/", createCacheApp(context));
  app.route("/", createOutboxApp(context));
  app.route("/", createJoinTokenApp(certificates?.takeJoinToken));
  app.route("/", createDebugApp(options.debug));
  app.notFound((c) => c.text("404 page not found", 404));
  return app;
}

/** `GET /`: the page, for people. `GET /v1/events`: how the hub is, at each change (server-sent events). */
function createPageApp(options: StatusAppOptions): Hono {
  const { context: { platform: { clock }, link, draining }, metrics } = options;
  const app = new Hono();
  let page: Promise<StatusPage> | undefined;
  app.get("/", async () => {
    page ??= import("./status_page/page.ts").then(({ openStatusPage }) => openStatusPage());
    return await (await page)(hubStatus(options), clock.now());
  });
  const events = new StatusEvents({ clock, link, ended: draining, status: () => JSON.stringify(hubStatus(options)) });
  declareEventMetrics(events, metrics);
  app.get("/v1/events", (c) => {
    const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-store" };
    if (c.req.method === "HEAD") return new Response(null, { headers });
    const stream = events.listen();
    if (stream === undefined) return statusResponse(serviceUnavailable("Too many listen to the events of this hub"));
    return new Response(stream, { headers });
  });
  return app;
}

function declareEventMetrics(events: StatusEvents, metrics: Metrics): void {
  metrics.gauge("holdfast_status_listeners", "Who listens to the hub's events", [], () => [{ value: events.size }]);
  metrics.counted(
    "holdfast_status_listeners_refused_total",
    "Listeners that were refused for want of room",
    [],
    () => [{ value: events.refused }],
  );
}
