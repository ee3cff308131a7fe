import { type ApiObject, fieldAt, isJsonObject, type JsonObject } from "./api_object.ts";
import { apiVersionOf, type ResourceType } from "./resource_type.ts";

interface Column {
  readonly name: string;
  readonly type: "string" | "integer";
  /** Shown by `-o wide` only. */
  readonly wide?: boolean;
  readonly cell: (object: ApiObject, nowMs: number) => string | number;
}

const name: Column = { name: "Name", type: "string", cell: (object) => object.metadata.name };
const age: Column = { name: "Age", type: "string", cell: (object, nowMs) => ageOf(object, nowMs) };

const columnsByResource: Readonly<Record<string, readonly Column[]>> = {
  pods: [
    { name: "Ready", type: "string", cell: readyContainers },
    { name: "Status", type: "string", cell: podStatus },
    { name: "Restarts", type: "integer", cell: restarts },
    age,
    { name: "IP", type: "string", wide: true, cell: (pod) => textAt(pod, "status.podIP", "<none>") },
    { name: "Node", type: "string", wide: true, cell: (pod) => textAt(pod, "spec.nodeName", "<none>") },
  ],
  nodes: [
    { name: "Status", type: "string", cell: nodeStatus },
    { name: "Roles", type: "string", cell: () => "<none>" },
    age,
    { name: "Version", type: "string", cell: (node) => textAt(node, "status.nodeInfo.kubeletVersion", "") },
  ],
  configmaps: [{ name: "Data", type: "integer", cell: entryCount }, age],
  secrets: [
    { name: "Type", type: "string", cell: (secret) => textAt(secret, "type", "Opaque") },
    { name: "Data", type: "integer", cell: entryCount },
    age,
  ],
  services: [
    { name: "Type", type: "string", cell: (service) => textAt(service, "spec.type", "ClusterIP") },
    { name: "Cluster-IP", type: "string", cell: (service) => textAt(service, "spec.clusterIP", "<none>") },
    age,
  ],
  namespaces: [
    { name: "Status", type: "string", cell: (namespace) => textAt(namespace, "status.phase", "Active") },
    age,
  ],
  leases: [{ name: "Holder", type: "string", cell: (lease) => textAt(lease, "spec.holderIdentity", "") }, age],
};

export interface TableOptions {
  readonly type: ResourceType;
  readonly nowMs: number;
  readonly metadata: JsonObject;
  /** `includeObject` of the request; metadata only where it is missing. */
  readonly includeObject: string | undefined;
  /** Later events of a watch leave the columns out. */
  readonly withColumns: boolean;
}

/** Prints objects as a `meta.k8s.io/v1` Table, as the API server does for `kubectl get`. */
export function objectTable(objects: readonly ApiObject[], options: TableOptions): JsonObject {
  const columns = [name, ...(columnsByResource[options.type.resource] ?? [age])];
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: options.metadata,
    columnDefinitions: options.withColumns
      ? columns.map((column) => ({
        name: column.name,
        type: column.type,
        format: column === name ? "name" : "",
        description: "",
        priority: column.wide ? 1 : 0,
      }))
      : null,
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, options.nowMs)),
      ...rowObject(object, options),
    })),
  };
}

/** The object with its metadata alone, as `as=PartialObjectMetadata` asks for it. */
export function partialMetadata(object: ApiObject): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

function rowObject(object: ApiObject, options: TableOptions): JsonObject {
  if (options.includeObject === "None") return {};
  if (options.includeObject === "Object") {
    return { object: { ...object, kind: options.type.kind, apiVersion: apiVersionOf(options.type) } };
  }
  return { object: partialMetadata(object) };
}

function textAt(object: JsonObject, path: string, fallback: string): string {
  const value = fieldAt(object, path);
  return typeof value === "string" && value !== "" ? value : fallback;
}

function itemsAt(object: JsonObject, path: string): readonly JsonObject[] {
  const value = fieldAt(object, path);
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function entryCount(object: ApiObject): number {
  return [object["data"], object["binaryData"]]
    .reduce<number>((count, entries) => count + (isJsonObject(entries) ? Object.keys(entries).length : 0), 0);
}

function readyContainers(pod: ApiObject): string {
  const ready = itemsAt(pod, "status.containerStatuses").filter((status) => status["ready"] === true).length;
  return `${ready}/${itemsAt(pod, "spec.containers").length}`;
}

function restarts(pod: ApiObject): number {
  return itemsAt(pod, "status.containerStatuses")
    .reduce((sum, status) => sum + (typeof status["restartCount"] === "number" ? status["restartCount"] : 0), 0);
}

function podStatus(pod: ApiObject): string {
  return pod.metadata.deletionTimestamp === undefined ? textAt(pod, "status.phase", "Unknown") : "Terminating";
}

function nodeStatus(node: ApiObject): string {
  const ready = itemsAt(node, "status.conditions").find((condition) => condition["type"] === "Ready");
  if (ready === undefined) return "Unknown";
  return ready["status"] === "True" ? "Ready" : "NotReady";
}

function ageOf(object: ApiObject, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(object.metadata.creationTimestamp)) / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return `${minutes}m${seconds % 60}s`;
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return `${hours}h${minutes % 60}m`;
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}
