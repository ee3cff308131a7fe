import { isBuiltinGroup } from "../resources.ts";
import {
  API_SERVICES,
  CERTIFICATE_SIGNING_REQUESTS,
  CLUSTER_ROLE_BINDINGS,
  MUTATING_WEBHOOKS,
  ROLE_BINDINGS,
  VALIDATING_WEBHOOKS,
} from "./cluster_printers.ts";
import {
  CONFIG_MAPS,
  LEASES,
  NAMESPACES,
  NODES,
  POD_DISRUPTION_BUDGETS,
  PRIORITY_CLASSES,
  RESOURCE_QUOTAS,
  RUNTIME_CLASSES,
  SECRETS,
  SERVICE_ACCOUNTS,
} from "./core_printers.ts";
import { customPrinter } from "./custom_printer.ts";
import { CREATED_AT_TABLE } from "./default_printers.ts";
import { EVENTS } from "./event_printer.ts";
import {
  ENDPOINT_SLICES,
  ENDPOINTS,
  INGRESS_CLASSES,
  INGRESSES,
  NETWORK_POLICIES,
  SERVICES,
} from "./network_printers.ts";
import { PODS } from "./pod_printer.ts";
import {
  CSI_DRIVERS,
  CSI_NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  STORAGE_CLASSES,
  VOLUME_ATTACHMENTS,
} from "./storage_printers.ts";
import type { TablePrinter } from "./table_printer.ts";
import {
  CONTROLLER_REVISIONS,
  CRON_JOBS,
  DAEMON_SETS,
  DEPLOYMENTS,
  JOBS,
  POD_TEMPLATES,
  REPLICA_SETS,
  REPLICATION_CONTROLLERS,
  STATEFUL_SETS,
} from "./workload_printers.ts";

/** Of custom resources whose columns are not known: as it is where their definition declares none. */
const CUSTOM_TABLE = customPrinter([]);

/** By `resource.group`. */
const PRINTERS: ReadonlyMap<string, TablePrinter> = new Map([
  ["configmaps.", CONFIG_MAPS],
  ["endpoints.", ENDPOINTS],
  ["events.", EVENTS],
  ["limitranges.", CREATED_AT_TABLE],
  ["namespaces.", NAMESPACES],
  ["nodes.", NODES],
  ["persistentvolumeclaims.", PERSISTENT_VOLUME_CLAIMS],
  ["persistentvolumes.", PERSISTENT_VOLUMES],
  ["pods.", PODS],
  ["podtemplates.", POD_TEMPLATES],
  ["replicationcontrollers.", REPLICATION_CONTROLLERS],
  ["resourcequotas.", RESOURCE_QUOTAS],
  ["secrets.", SECRETS],
  ["serviceaccounts.", SERVICE_ACCOUNTS],
  ["services.", SERVICES],
  ["apiservices.apiregistration.k8s.io", API_SERVICES],
  ["certificatesigningrequests.certificates.k8s.io", CERTIFICATE_SIGNING_REQUESTS],
  ["clusterrolebindings.rbac.authorization.k8s.io", CLUSTER_ROLE_BINDINGS],
  ["clusterroles.rbac.authorization.k8s.io", CREATED_AT_TABLE],
  ["controllerrevisions.apps", CONTROLLER_REVISIONS],
  ["cronjobs.batch", CRON_JOBS],
  ["csidrivers.storage.k8s.io", CSI_DRIVERS],
  ["csinodes.storage.k8s.io", CSI_NODES],
  ["csistoragecapacities.storage.k8s.io", CREATED_AT_TABLE],
  ["customresourcedefinitions.apiextensions.k8s.io", CREATED_AT_TABLE],
  ["daemonsets.apps", DAEMON_SETS],
  ["deployments.apps", DEPLOYMENTS],
  ["endpointslices.discovery.k8s.io", ENDPOINT_SLICES],
  ["events.events.k8s.io", EVENTS],
  ["ingressclasses.networking.k8s.io", INGRESS_CLASSES],
  ["ingresses.networking.k8s.io", INGRESSES],
  ["jobs.batch", JOBS],
  ["leases.coordination.k8s.io", LEASES],
  ["mutatingwebhookconfigurations.admissionregistration.k8s.io", MUTATING_WEBHOOKS],
  ["networkpolicies.networking.k8s.io", NETWORK_POLICIES],
  ["poddisruptionbudgets.policy", POD_DISRUPTION_BUDGETS],
  ["priorityclasses.scheduling.k8s.io", PRIORITY_CLASSES],
  ["replicasets.apps", REPLICA_SETS],
  ["rolebindings.rbac.authorization.k8s.io", ROLE_BINDINGS],
  ["roles.rbac.authorization.k8s.io", CREATED_AT_TABLE],
  ["runtimeclasses.node.k8s.io", RUNTIME_CLASSES],
  ["statefulsets.apps", STATEFUL_SETS],
  ["storageclasses.storage.k8s.io", STORAGE_CLASSES],
  ["validatingwebhookconfigurations.admissionregistration.k8s.io", VALIDATING_WEBHOOKS],
  ["volumeattachments.storage.k8s.io", VOLUME_ATTACHMENTS],
]);

/** How a resource is shown; missing for built-in resources that are not in the list. */
export function printerOf({ group, resource }: TableResource): TablePrinter | undefined {
  return PRINTERS.get(`${resource}.${group}`) ?? (isBuiltinGroup(group) ? undefined : CUSTOM_TABLE);
}

export interface TableResource {
  readonly group: string;
  readonly resource: string;
}
