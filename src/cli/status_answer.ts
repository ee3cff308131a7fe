import { z } from "zod";
import type { HubStatus } from "../hub/hub_status.ts";

/** What `holdfast status` shows of `/v1/status`. */
export type ShownStatus =
  & Pick<
    HubStatus,
    "version" | "runtime" | "nodeName" | "startedAt" | "ready" | "checks" | "clients" | "objects" | "collections"
  >
  & {
    readonly link: Omit<HubStatus["link"], "cluster">;
    readonly outbox: Pick<HubStatus["outbox"], "waiting" | "settled" | "objects">;
    readonly certificates?: HubStatus["certificates"];
    readonly filters?: HubStatus["filters"];
  };

const count = z.number();
const text = z.string();
const query = {
  group: text,
  version: text,
  resource: text,
  namespace: text,
};
const written = {
  ...query,
  name: text,
  kind: z.enum(["status", "create", "patch"]),
  uid: text,
  writes: count,
  since: text,
};
const certificate = z.object({ expiresAt: text.exactOptional(), failure: text.exactOptional() });

const shownSchema: z.ZodType<ShownStatus> = z.object({
  version: text,
  runtime: text,
  nodeName: text,
  startedAt: text,
  ready: z.boolean(),
  checks: z.array(z.object({ name: text, ok: z.boolean(), why: text, informational: z.boolean().exactOptional() })),
  link: z.object({
    workingMode: z.enum(["edge", "cloud"]),
    state: z.enum(["unknown", "online", "offline"]),
    since: text,
    reason: text,
    backends: z.array(z.object({
      address: text,
      state: z.enum(["unknown", "healthy", "recovering", "unhealthy", "untrusted"]),
      since: text,
      reason: text,
      inFlight: count,
    })),
  }),
  objects: z.object({ count, bytes: count, memoryBytes: count }),
  collections: z.array(z.object({
    ...query,
    labelSelector: text,
    fieldSelector: text,
    state: z.enum(["syncing", "live", "stale", "refused"]),
    since: text,
    resourceVersion: text,
    epoch: count,
    objects: count,
    bytes: count,
    watchers: count,
    lastRead: text.exactOptional(),
    scope: text.exactOptional(),
    refusal: text.exactOptional(),
  })),
  clients: z.array(z.object({
    client: text,
    answered: z.object({ cloud: count, replica: count, outbox: count, hub: count }),
    link: z.object({ requests: count, failed: count, sentBytes: count, receivedBytes: count }),
  })),
  outbox: z.object({
    objects: count,
    waiting: z.array(
      z.object({ ...written, changedAt: text, attempts: count.exactOptional(), error: text.exactOptional() }),
    ),
    settled: z.array(z.object({
      ...written,
      settledAt: text,
      how: z.enum([
        "pushed",
        "unchanged",
        "finished",
        "gone",
        "replaced",
        "refused",
        "not-understood",
        "too-old",
        "too-many",
        "unreadable",
      ]),
      message: text.exactOptional(),
    })),
  }),
  certificates: z.object({ client: certificate, serving: certificate, servingDistrusted: text.exactOptional() })
    .exactOptional(),
  filters: z.object({ problems: z.array(text), failures: z.record(text, count) }).exactOptional(),
});

/** @returns nothing where the text is not what a hub of this version says */
export function readStatusAnswer(text: string): ShownStatus | undefined {
  try {
    return shownSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
