import { Hono } from "hono";
import type { OutboxEntry, Settled } from "../replica/outbox_entry.ts";
import type { HubContext } from "./context.ts";

/** `GET /v1/outbox`: what waits for the cloud, oldest first, and how what waited before has ended, newest first. */
export function createOutboxApp(context: HubContext): Hono {
  const app = new Hono();
  app.get("/v1/outbox", (c) => c.json(outboxStatus(context)));
  return app;
}

function outboxStatus(context: HubContext) {
  const { outbox } = context;
  if (outbox === undefined) return { enabled: false, waiting: [], settled: [] };
  return {
    enabled: true,
    bytes: outbox.bytes,
    maxBytes: outbox.maxBytes,
    refused: outbox.refused,
    ...(outbox.failure === undefined ? {} : { error: outbox.failure }),
    waiting: outbox.entries().map((entry) => waiting(context, entry)),
    settled: [...outbox.settled].reverse().map(settled),
  };
}

function waiting({ pusher }: HubContext, entry: OutboxEntry) {
  const failure = pusher?.failure(entry.path);
  return {
    ...written(entry),
    changedAt: iso(entry.changedAt),
    ...(failure === undefined ? {} : { attempts: failure.attempts, error: failure.message }),
  };
}

function settled(report: Settled) {
  const { settledAt, how, message } = report;
  return {
    ...written(report),
    settledAt: iso(settledAt),
    how,
    ...(message === undefined ? {} : { message }),
  };
}

function written({ path, kind, uid, writes, since }: OutboxEntry | Settled) {
  return { ...path, kind, uid, writes, since: iso(since) };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
