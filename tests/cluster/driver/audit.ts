import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A request as the API server's audit log tells of it, once it was answered or its watch has begun. */
export interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly apiGroup?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly requestObject?: { readonly spec?: { readonly signerName?: string } };
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
  /** Of the authorizer: its decision, and by which role. */
  readonly annotations?: Readonly<Record<string, string>>;
}

const policy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    {
      level: "Request",
      resources: [{ group: "certificates.k8s.io", resources: ["certificatesigningrequests/approval"] }],
    },
    { level: "Metadata" },
  ],
};

/** A folder for a cluster whose API server keeps an audit log, and the flags for that. */
export function auditedCluster(): {
  readonly dir: string;
  readonly flags: readonly string[];
  readonly events: () => readonly AuditEvent[];
} {
  const given = process.env["HOLDFAST_CLUSTER_DIR"];
  const dir = mkdtempSync(given ? join(given, "c-") : join(tmpdir(), "holdfast-cluster-"));
  const log = join(dir, "audit.log");
  writeFileSync(join(dir, "audit-policy.json"), JSON.stringify(policy));
  return {
    dir,
    flags: [
      `--apiserver-flag=--audit-policy-file=${join(dir, "audit-policy.json")}`,
      `--apiserver-flag=--audit-log-path=${log}`,
    ],
    // The last line may be half written.
    events: () => readFileSync(log, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line) as AuditEvent),
  };
}
