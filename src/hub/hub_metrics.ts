import type { Metrics, MetricValue } from "../platform/metrics.ts";
import { declareAdmissionMetrics } from "./admission_metrics.ts";
import { declareFilterMetrics } from "./filter_metrics.ts";
import { declareTokenMetrics } from "./token_metrics.ts";
import type { Call } from "./call.ts";
import type { Callers } from "./callers.ts";
import type { HubContext } from "./context.ts";
import { declareOutboxMetrics } from "./outbox_metrics.ts";
import { declareLinkMetrics } from "./link_metrics.ts";

/** Names of resources that are labels. */
const maxResources = 500;

/** @returns what counts a request once it has ended */
export function declareMetrics(
  context: HubContext,
  metrics: Metrics,
  callers: Pick<Callers, "refused">,
): (call: Call) => void {
  const requests = metrics.counter(
    "holdfast_requests_total",
    "Requests by what was asked and where the answer came from",
    [
      "verb",
      "resource",
      "code",
      "source",
    ],
  );
  declareLinkMetrics(context, metrics);
  declareAdmissionMetrics(context.admission, metrics);
  metrics.gauge("holdfast_collections", "Collections by state", ["state"], () => states(context));
  metrics.gauge("holdfast_objects", "Objects in collections", [], () => [{ value: sum(context, (c) => c.size) }]);
  metrics.gauge("holdfast_watchers", "Open local watches", [], () => [{ value: sum(context, (c) => c.watchers) }]);
  metrics.gauge(
    "holdfast_records",
    "Objects recorded beside collections",
    [],
    () => [{ value: context.replica.records.size }],
  );
  metrics.counted(
    "holdfast_records_dropped_total",
    "Records that went for want of room",
    [],
    () => [{ value: context.replica.records.dropped }],
  );
  metrics.gauge(
    "holdfast_documents",
    "Copies of discovery and OpenAPI documents",
    [],
    () => [{ value: context.replica.documents.size }],
  );
  metrics.counted(
    "holdfast_documents_dropped_total",
    "Copies of documents that went for want of room",
    [],
    () => [{ value: context.replica.documents.dropped }],
  );
  metrics.gauge(
    "holdfast_paged_lists",
    "Lists that are kept for further pages",
    [],
    () => [{ value: context.pagedLists.size }],
  );
  metrics.counted(
    "holdfast_paged_lists_dropped_total",
    "Lists that went for want of room before their last page",
    [],
    () => [{ value: context.pagedLists.dropped }],
  );
  metrics.gauge("holdfast_store_failed", "Whether the store cannot be written", [], () => [
    { value: context.replica.batch.failure === undefined ? 0 : 1 },
  ]);
  if (context.filters !== undefined) declareFilterMetrics(context.filters, metrics);
  if (context.outbox !== undefined) declareOutboxMetrics(context.outbox, metrics);
  declareCallerMetrics({ context, callers }, metrics);
  const known = new Set<string>();
  return ({ info, status, source }) => {
    // A path is the client's own words: a label is only what the API server, or the replica, has answered for.
    const answered = info.isResource && (source === "replica" || (source === "cloud" && status < 400));
    if (answered && known.size < maxResources) known.add(info.resource);
    const resource = known.has(info.resource) ? info.resource : "";
    requests.add(1, { verb: info.verb, resource, code: String(status), source });
  };
}

/** Declares what is counted of service accounts. */
function declareCallerMetrics(
  { context, callers }: { readonly context: HubContext; readonly callers: Pick<Callers, "refused"> },
  metrics: Metrics,
): void {
  metrics.counted(
    "holdfast_callers_refused_total",
    "Requests on the TLS port whose token could not be verified",
    [],
    () => [{ value: callers.refused }],
  );
  const { grants } = context;
  if (grants !== undefined) {
    metrics.gauge("holdfast_grants", "What service accounts may read", [], () => [{ value: grants.size }]);
    metrics.counted(
      "holdfast_grants_dropped_total",
      "Grants that went for want of room",
      [],
      () => [{ value: grants.dropped }],
    );
    metrics.gauge("holdfast_grants_failed", "Whether grants, or their ends, cannot be written", [], () => [
      { value: grants.failure === undefined ? 0 : 1 },
    ]);
  }
  if (context.tokens !== undefined) declareTokenMetrics(context.tokens, metrics);
}

function states({ replica }: HubContext): MetricValue[] {
  const counts = new Map<string, number>(["syncing", "live", "stale", "refused"].map((state) => [state, 0]));
  for (const { state } of replica.collections()) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, value]) => ({ value, labels: { state } }));
}

type Collections = ReturnType<HubContext["replica"]["collections"]>;
type CollectionOf<T> = T extends Iterable<infer One> ? One : never;

function sum({ replica }: HubContext, value: (collection: CollectionOf<Collections>) => number): number {
  let total = 0;
  for (const collection of replica.collections()) total += value(collection);
  return total;
}
