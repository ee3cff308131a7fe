import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { AuditEvent } from "./audit.ts";

const RBAC: string = join(import.meta.dirname, "..", "..", "..", "deploy", "rbac");

/** One verb on one resource, as one role allows it. */
export interface Right {
  /** `ROLE: VERB RESOURCE.GROUP [NAME]` */
  readonly text: string;
  isUsedBy(event: AuditEvent): boolean;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
  readonly roleRef?: { readonly name: string };
}

/** Every single right of a file of `deploy/rbac`; of a role of Kubernetes' own, that it is bound is one. */
export function rightsOf(file: string): readonly Right[] {
  // Ours, and applied to a real API server by the test.
  const manifests = parseAllDocuments(readFileSync(join(RBAC, file), "utf8")).map((one) => one.toJS() as Manifest);
  const own = new Set(manifests.filter(({ rules }) => rules !== undefined).map(({ metadata }) => metadata.name));
  return manifests.flatMap(({ metadata: { name }, rules = [], roleRef }) => {
    if (roleRef !== undefined && !own.has(roleRef.name)) {
      return [{ text: `${name}: ${roleRef.name}`, isUsedBy: (event: AuditEvent) => isAllowedBy(event, name) }];
    }
    return rules.flatMap(({ apiGroups, resources, resourceNames = [""], verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.flatMap((verb) => resourceNames.map((of) => rightOf(name, { group, resource, verb, name: of })))
        )
      )
    );
  });
}

interface Allowed {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly name: string;
}

function rightOf(role: string, { group, resource, verb, name }: Allowed): Right {
  const text = `${role}: ${verb} ${resource}.${group} ${name}`.trimEnd();
  // No request of its own: admission asks for it when a certificate signing request of that signer is approved.
  if (resource === "signers") {
    return {
      text,
      isUsedBy: ({ objectRef, requestObject, responseStatus, annotations = {} }) =>
        objectRef?.subresource === "approval" && requestObject?.spec?.signerName === name &&
        responseStatus?.code === 200 && (annotations[REASON] ?? "").includes(`"${role}"`),
    };
  }
  return {
    text,
    isUsedBy: (event) => {
      const { resource: main = "", subresource, apiGroup = "", name: of = "" } = event.objectRef ?? {};
      const asked = subresource === undefined ? main : `${main}/${subresource}`;
      return event.verb === verb && asked === resource && apiGroup === group && (name === "" || of === name) &&
        isAllowedBy(event, role);
    },
  };
}

const DECISION = "authorization.k8s.io/decision";
const REASON = "authorization.k8s.io/reason";

/** The authorizer names the binding that it found; ours have the names of their roles. */
function isAllowedBy({ annotations = {} }: AuditEvent, binding: string): boolean {
  return annotations[DECISION] === "allow" && (annotations[REASON] ?? "").includes(`Binding "${binding}`);
}

/** What was refused, by the authorizer or by admission: who, verb and path. */
export function refusedRequests(events: readonly AuditEvent[]): readonly string[] {
  return [
    ...new Set(
      events.filter(({ annotations, responseStatus }) =>
        annotations?.[DECISION] === "forbid" || responseStatus?.code === 403
      ).map(({ user, verb, requestURI }) => `${user.username} ${verb} ${requestURI}`),
    ),
  ];
}
