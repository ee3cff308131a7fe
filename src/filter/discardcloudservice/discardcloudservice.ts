import { defineFilter, type Filter, type FilterObject } from "../filter.ts";
import { annotationOf, objectAt, textAt } from "../read_object.ts";

/** Since OpenYurt 1.5: what is not marked stays. */
const discard = "svc.openyurt.io/discard";
/** Until OpenYurt 1.4: everything went but what was marked. */
const skipDiscard = "openyurt.io/skip-discard";
/** In kube-system: of the tunnel server, for the cloud's own nodes. */
const tunnelService = "x-tunnel-server-internal-svc";

/**
 * kube-proxy does not see Services of type LoadBalancer that only the cloud can serve. Both generations of the annotation
 * count; without any a Service stays: to lose one that was meant to be there is worse than to have one too many.
 */
export const discardcloudservice: Filter = defineFilter({
  name: "discardcloudservice",
  components: ["kube-proxy"],
  resources: [{ group: "", resource: "services" }],
  mentions: [discard, skipDiscard, tunnelService],
  apply: (service) => isTunnel(objectAt(service, "metadata")) || isCloudOnly(service) ? undefined : service,
});

function isTunnel(metadata: FilterObject): boolean {
  return textAt(metadata, "namespace") === "kube-system" && textAt(metadata, "name") === tunnelService;
}

function isCloudOnly(service: FilterObject): boolean {
  if (textAt(objectAt(service, "spec"), "type") !== "LoadBalancer") return false;
  const skipped = annotationOf(service, skipDiscard);
  if (skipped === "true") return false;
  return annotationOf(service, discard) === "true" || skipped === "false";
}
