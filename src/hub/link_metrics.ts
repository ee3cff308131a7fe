import type { Metrics } from "../platform/metrics.ts";
import type { HubContext } from "./context.ts";

/** Declares what is measured of the way to the cloud. */
export function declareLinkMetrics({ cloud, link, lease, history }: HubContext, metrics: Metrics): void {
  metrics.gauge(
    "holdfast_link_online",
    "Whether an API server answers",
    [],
    () => [{ value: link.state === "online" ? 1 : 0 }],
  );
  metrics.gauge(
    "holdfast_backend_state",
    "1 for the state that an API server is in",
    ["backend", "state"],
    () =>
      cloud.backends.map(({ address, health }) => ({ value: 1, labels: { backend: address, state: health.state } })),
  );
  metrics.gauge(
    "holdfast_backend_requests_in_flight",
    "Requests under way to an API server, watches included",
    ["backend"],
    () => cloud.backends.map(({ address, inFlight }) => ({ value: inFlight, labels: { backend: address } })),
  );
  metrics.gauge(
    "holdfast_link_history_dropped",
    "Changes of the link's last hour that went for want of room",
    [],
    () => [{ value: history.dropped }],
  );
  const counters = {
    requests: metrics.counter("holdfast_cloud_requests_total", "Requests to the cloud by client", ["client"]),
    failed: metrics.counter("holdfast_cloud_failed_requests_total", "Requests to the cloud without an answer", [
      "client",
    ]),
    sentBytes: metrics.counter("holdfast_cloud_sent_bytes_total", "Bytes of bodies sent to the cloud", ["client"]),
    receivedBytes: metrics.counter("holdfast_cloud_received_bytes_total", "Bytes of bodies got from the cloud", [
      "client",
    ]),
  };
  cloud.traffic.counted = (client, what, amount) => counters[what].add(amount, { client });
  if (lease === undefined) return;
  metrics.gauge(
    "holdfast_node_lease_alive",
    "Whether kubelet renews the node's lease, so that the hub does",
    [],
    () => [
      { value: lease.status.alive ? 1 : 0 },
    ],
  );
  metrics.gauge(
    "holdfast_node_lease_renewed_timestamp_seconds",
    "When the cloud last took a renewal of the node's lease",
    [],
    () => lease.status.renewedAt === undefined ? [] : [{ value: lease.status.renewedAt / 1_000 }],
  );
}
