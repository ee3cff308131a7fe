import type { FieldRequirement } from "./field_selector.ts";
import { goQuote } from "./go_quote.ts";
import { isBuiltinGroup, type Query } from "./resources.ts";

/** A resource, or a query of it. */
export type ResourceType = Pick<Query, "group" | "version" | "resource">;

/** Where an object has a field's value. */
export interface FieldSource {
  readonly path: readonly string[];
  /** Looked at where the first path leads to nothing, or to an empty string. */
  readonly otherwise?: readonly string[];
  /** The value where the object has none. */
  readonly missing: string;
}

interface FieldLabels {
  readonly sources: Readonly<Record<string, FieldSource>>;
  readonly refusal: (label: string, type: ResourceType) => string;
}

const NAME: FieldSource = field("metadata.name");
const NAMESPACE: FieldSource = field("metadata.namespace");
/** Taken by the API server as a label, but no object has a value for it (registry/core/pod of 1.36). */
const NEVER_SET: FieldSource = { path: [], missing: "" };

const POD_NODE = field("spec.nodeName");
const SIGNER = { "metadata.name": NAME, "spec.signerName": field("spec.signerName") };

const NAMES_ONLY: FieldLabels = {
  sources: { "metadata.name": NAME, "metadata.namespace": NAMESPACE },
  refusal: (label) => `${goQuote(label)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
};

/** By `resource.group`: the resources that have more labels than their names, or other words for a refusal. */
const FIELD_LABELS: ReadonlyMap<string, FieldLabels> = new Map([
  [
    "pods.",
    namespaced({
      ...fields("spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase"),
      ...fields("status.podIP", "status.nominatedNodeName"),
      "spec.nodeName": POD_NODE,
      "spec.host": POD_NODE,
      "spec.hostNetwork": field("spec.hostNetwork", "false"),
      "status.podIPs": NEVER_SET,
    }),
  ],
  ["nodes.", clusterScoped({ "spec.unschedulable": field("spec.unschedulable", "false") })],
  ["replicationcontrollers.", namespaced({ "status.replicas": field("status.replicas", "0") })],
  ["namespaces.", clusterScoped(fields("status.phase"))],
  ["secrets.", namespaced(fields("type"))],
  ["services.", namespaced(fields("spec.clusterIP", "spec.type"))],
  [
    "events.",
    namespaced({
      ...references("involvedObject"),
      ...fields("reason", "reportingComponent", "type"),
      source: { path: ["source", "component"], otherwise: ["reportingComponent"], missing: "" },
    }),
  ],
  [
    "events.events.k8s.io",
    namespaced({ ...references("regarding"), ...fields("reason", "reportingController", "type") }),
  ],
  ["jobs.batch", {
    sources: { ...NAMES_ONLY.sources, "status.successful": field("status.succeeded", "0") },
    refusal: (label) => `field label ${goQuote(label)} not supported for Job`,
  }],
  ["certificatesigningrequests.certificates.k8s.io", supporting(SIGNER)],
  ["clustertrustbundles.certificates.k8s.io", supporting(SIGNER)],
  ["podcertificaterequests.certificates.k8s.io", supporting({ ...SIGNER, ...fields("spec.podName", "spec.nodeName") })],
  ["resourceslices.resource.k8s.io", {
    sources: { "metadata.name": NAME, ...fields("spec.nodeName", "spec.driver") },
    refusal: (label, { version }) =>
      `field label not supported for resource.k8s.io/${version}, Kind=ResourceSlice: ${label}`,
  }],
]);

/**
 * What kube-apiserver 1.36 says to a field selector with a label that it does not know for this resource, as the
 * message of a 400; missing where all labels are known. For custom resources and aggregated API servers, whose labels
 * the hub cannot know, always missing.
 *
 * @param requirements in the order of `parseFieldSelector`: the API server names the first
 */
export function fieldLabelProblem(type: ResourceType, requirements: readonly FieldRequirement[]): string | undefined {
  const labels = labelsOf(type);
  if (labels === undefined) return undefined;
  const unknown = requirements.find(({ field: label }) => !Object.hasOwn(labels.sources, label));
  return unknown && labels.refusal(unknown.field, type);
}

/** Where objects of a resource have the value of a field label; missing where that is not known. */
export function fieldSourceOf(type: ResourceType, label: string): FieldSource | undefined {
  const { sources } = labelsOf(type) ?? NAMES_ONLY;
  return Object.hasOwn(sources, label) ? sources[label] : undefined;
}

function labelsOf({ group, resource }: ResourceType): FieldLabels | undefined {
  return FIELD_LABELS.get(`${resource}.${group}`) ?? (isBuiltinGroup(group) ? NAMES_ONLY : undefined);
}

function supporting(sources: Readonly<Record<string, FieldSource>>): FieldLabels {
  return { sources, refusal: (label) => `field label not supported: ${label}` };
}

function namespaced(sources: Readonly<Record<string, FieldSource>>): FieldLabels {
  return supporting({ ...sources, "metadata.name": NAME, "metadata.namespace": NAMESPACE });
}

function clusterScoped(sources: Readonly<Record<string, FieldSource>>): FieldLabels {
  return supporting({ ...sources, "metadata.name": NAME });
}

function fields(...labels: readonly string[]): Record<string, FieldSource> {
  return Object.fromEntries(labels.map((label) => [label, field(label)]));
}

function references(label: string): Record<string, FieldSource> {
  const names = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
  return Object.fromEntries(names.map((name) => [`${label}.${name}`, field(`${label}.${name}`)]));
}

function field(path: string, missing = ""): FieldSource {
  return { path: path.split("."), missing };
}
