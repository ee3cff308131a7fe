import { humanDuration } from "./human_duration.ts";
import type { JsonView } from "./json_view.ts";
import { AGE, ageOf, column, NAME, nameOf, type Row, type TablePrinter, wide } from "./table_printer.ts";

export const ROLE_BINDINGS: TablePrinter = {
  columns: [
    NAME,
    column(
      "Role",
      "RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.",
    ),
    AGE,
    wide("Users", "Users in the roleBinding"),
    wide("Groups", "Groups in the roleBinding"),
    wide("ServiceAccounts", "ServiceAccounts in the roleBinding"),
  ],
  row: bindingRow,
};

export const CLUSTER_ROLE_BINDINGS: TablePrinter = {
  columns: [
    NAME,
    column(
      "Role",
      "RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.",
    ),
    AGE,
    wide("Users", "Users in the clusterRoleBinding"),
    wide("Groups", "Groups in the clusterRoleBinding"),
    wide("ServiceAccounts", "ServiceAccounts in the clusterRoleBinding"),
  ],
  row: bindingRow,
};

export const CERTIFICATE_SIGNING_REQUESTS: TablePrinter = {
  columns: [
    NAME,
    AGE,
    column(
      "SignerName",
      'Requested signer for the request. It is a qualified name in the form: `scope-hostname.io/name`. If empty, it will be defaulted:\n 1. If it\'s a kubelet client certificate, it is assigned\n    "kubernetes.io/kube-apiserver-client-kubelet".\n 2. If it\'s a kubelet serving certificate, it is assigned\n    "kubernetes.io/kubelet-serving".\n 3. Otherwise, it is assigned "kubernetes.io/legacy-unknown".\nDistribution of trust for signers happens out of band. You can select on this field using `spec.signerName`.',
    ),
    column("Requestor", "Base64-encoded PKCS#10 CSR data"),
    column(
      "RequestedDuration",
      "expirationSeconds is the requested duration of validity of the issued certificate. The certificate signer may issue a certificate with a different validity duration so a client must check the delta between the notBefore and and notAfter fields in the issued certificate to determine the actual duration.\n\nThe v1.22+ in-tree implementations of the well-known Kubernetes signers will honor this field as long as the requested duration is not greater than the maximum duration they will honor per the --cluster-signing-duration CLI flag to the Kubernetes controller manager.\n\nCertificate signers may not honor this field for various reasons:\n\n  1. Old signer that is unaware of the field (such as the in-tree\n     implementations prior to v1.22)\n  2. Signer whose configured maximum is shorter than the requested duration\n  3. Signer whose configured minimum is longer than the requested duration\n\nThe minimum valid value for expirationSeconds is 600, i.e. 10 minutes.",
    ),
    column("Condition", "Conditions applied to the request, such as approval or denial."),
  ],
  row: (object, nowMs) => {
    const expiration = object.at("spec", "expirationSeconds");
    return {
      cells: [
        nameOf(object),
        ageOf(object, nowMs),
        object.at("spec", "signerName").text() || "<none>",
        object.at("spec", "username").text(),
        expiration.exists ? humanDuration(expiration.number() * 1000) : "<none>",
        signingState(object),
      ],
    };
  },
};

export const MUTATING_WEBHOOKS: TablePrinter = {
  columns: [
    NAME,
    column("Webhooks", "Webhooks indicates the number of webhooks registered in this configuration", "integer"),
    AGE,
  ],
  row: webhookRow,
};

export const VALIDATING_WEBHOOKS: TablePrinter = {
  columns: [
    NAME,
    column("Webhooks", "Webhooks indicates the number of webhooks registered in this configuration", "integer"),
    AGE,
  ],
  row: webhookRow,
};

export const API_SERVICES: TablePrinter = {
  columns: [
    NAME,
    column("Service", "The reference to the service that hosts this API endpoint."),
    column("Available", "Whether this service is available."),
    AGE,
  ],
  // kube-aggregator does not look at what was sent before.
  columnsInEveryEvent: true,
  row: (object, nowMs) => {
    const service = object.at("spec", "service");
    const local = service.exists ? `${service.at("namespace").text()}/${service.at("name").text()}` : "Local";
    return { cells: [nameOf(object), local, availability(object), ageOf(object, nowMs)] };
  },
};

function bindingRow(binding: JsonView, nowMs: number): Row {
  const subjects = binding.at("subjects").items();
  const names = (kind: string): string[] =>
    subjects.filter((subject) => subject.at("kind").text() === kind).map((subject) => {
      const name = subject.at("name").text();
      return kind === "ServiceAccount" ? `${subject.at("namespace").text()}/${name}` : name;
    });
  return {
    cells: [
      nameOf(binding),
      `${binding.at("roleRef", "kind").text()}/${binding.at("roleRef", "name").text()}`,
      ageOf(binding, nowMs),
      names("User").join(", "),
      names("Group").join(", "),
      names("ServiceAccount").join(", "),
    ],
  };
}

function signingState(request: JsonView): string {
  const types = request.at("status", "conditions").items().map((condition) => condition.at("type").text());
  const decision = types.includes("Denied") ? "Denied" : types.includes("Approved") ? "Approved" : "Pending";
  const failed = types.includes("Failed") ? ",Failed" : "";
  return `${decision}${failed}${request.at("status", "certificate").text() === "" ? "" : ",Issued"}`;
}

function webhookRow(configuration: JsonView, nowMs: number): Row {
  const webhooks = configuration.at("webhooks").items().length;
  return { cells: [nameOf(configuration), webhooks, ageOf(configuration, nowMs)] };
}

function availability(apiService: JsonView): string {
  const conditions = apiService.at("status", "conditions").items();
  const available = conditions.find((condition) => condition.at("type").text() === "Available");
  if (available === undefined) return "Unknown";
  const status = available.at("status").text();
  const reason = available.at("reason").text();
  return status === "True" || reason === "" ? status : `${status} (${reason})`;
}
