import { Hono } from "hono";
import type { ObjectPath } from "../replica/object_path.ts";
import type { OutboxEntry, OutboxKind, Settled, SettledHow } from "../replica/outbox_entry.ts";
import type { HubContext } from "./context.ts";
import { iso } from "./link_status.ts";

/** Of `/v1/outbox`: what waits for the cloud, oldest first, and how what waited before has ended, newest first. */
export interface OutboxStatus {
  readonly enabled: boolean;
  readonly bytes?: number;
  readonly maxBytes?: number;
  /** Writes that were refused for want of room. */
  readonly refused?: number;
  /** Why it cannot be written. */
  readonly error?: string;
  readonly waiting: readonly WaitingStatus[];
  readonly settled: readonly SettledStatus[];
}

/** Writes to one object. Times are RFC 3339. */
interface WrittenStatus extends ObjectPath {
  readonly kind: OutboxKind;
  readonly uid: string;
  readonly writes: number;
  readonly since: string;
}

export interface WaitingStatus extends WrittenStatus {
  readonly changedAt: string;
  /** How often the cloud was tried, and what it said last. */
  readonly attempts?: number;
  readonly error?: string;
}

export interface SettledStatus extends WrittenStatus {
  readonly settledAt: string;
  readonly how: SettledHow;
  readonly message?: string;
}

/** `GET /v1/outbox`. */
export function createOutboxApp(context: HubContext): Hono {
  const app = new Hono();
  app.get("/v1/outbox", (c) => c.json(outboxStatus(context)));
  return app;
}

/** @param most of those that wait, and of those that have ended */
export function outboxStatus(context: HubContext, most: number = Infinity): OutboxStatus {
  const { outbox } = context;
  if (outbox === undefined) return { enabled: false, waiting: [], settled: [] };
  return {
    enabled: true,
    bytes: outbox.bytes,
    maxBytes: outbox.maxBytes,
    refused: outbox.refused,
    ...(outbox.failure === undefined ? {} : { error: outbox.failure }),
    waiting: outbox.entries().slice(0, most).map((entry) => waiting(context, entry)),
    settled: [...outbox.settled].reverse().slice(0, most).map(settled),
  };
}

function waiting({ pusher }: HubContext, entry: OutboxEntry): WaitingStatus {
  const failure = pusher?.failure(entry.path);
  return {
    ...written(entry),
    changedAt: iso(entry.changedAt),
    ...(failure === undefined ? {} : { attempts: failure.attempts, error: failure.message }),
  };
}

function settled(report: Settled): SettledStatus {
  const { settledAt, how, message } = report;
  return {
    ...written(report),
    settledAt: iso(settledAt),
    how,
    ...(message === undefined ? {} : { message }),
  };
}

function written({ path, kind, uid, writes, since }: OutboxEntry | Settled): WrittenStatus {
  return { ...path, kind, uid, writes, since: iso(since) };
}
