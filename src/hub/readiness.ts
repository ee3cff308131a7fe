import type { Outbox } from "../replica/outbox.ts";
import type { HubContext } from "./context.ts";
import type { Filters } from "./filters.ts";
import { certificateChecks, type HubCertificates } from "./hub_certificates.ts";
import { type Check, informationalCheck, neededCheck } from "./readiness_check.ts";

/** What `/readyz` looks at. */
export interface ReadinessParts {
  readonly context: HubContext;
  readonly certificates?: HubCertificates;
  /** Why the TLS port is not open; nothing where it is. */
  readonly secureProblem?: () => string | undefined;
  /** Of the node's network. */
  readonly networkChecks?: () => readonly Check[];
}

/** What is well with a hub, and what is not; those that are informational let it serve all the same. */
export function readinessChecks(parts: ReadinessParts): readonly Check[] {
  const { context, certificates, secureProblem, networkChecks } = parts;
  const { link, replica: { batch: { failure } }, outbox, filters, customColumns } = context;
  return [
    neededCheck("ping", undefined),
    neededCheck("restored", undefined),
    neededCheck("link-checked", link.state === "unknown" ? "the link to the cloud was not checked yet" : undefined),
    informationalCheck(
      "cloud",
      link.state === "online" ? undefined : `out of reach: ${link.reason}, the replica answers`,
    ),
    informationalCheck(
      "store",
      failure === undefined ? undefined : `going on from memory: ${failure}, the replica answers`,
    ),
    ...(outbox === undefined ? [] : [outboxCheck(outbox)]),
    ...(filters === undefined ? [] : [filtersCheck(filters)]),
    ...(customColumns.problem === undefined ? [] : [columnsCheck(customColumns.problem)]),
    ...(certificates === undefined ? [] : certificateChecks(certificates)),
    ...(secureProblem === undefined ? [] : [secureCheck(secureProblem())]),
    ...(networkChecks?.() ?? []),
  ];
}

/** Whether a hub serves. */
export function isReady(checks: readonly Check[]): boolean {
  return checks.every(({ ok, informational }) => ok || informational);
}

/** In the form of kube-apiserver's own /readyz?verbose. */
export function verboseReadiness(checks: readonly Check[]): string {
  const lines = checks.map(({ name, ok, why, informational }) => {
    if (ok) return `[+]${name} ok`;
    return informational ? `[!]${name} ${why}` : `[-]${name} failed: ${why}`;
  });
  return [...lines, isReady(checks) ? "readyz check passed" : "readyz check failed", ""].join("\n");
}

function filtersCheck(filters: Filters): Check {
  const problems = filters.problems();
  return informationalCheck("filters", problems.length === 0 ? undefined : `off: ${problems.join("; ")}`);
}

function columnsCheck(problem: string): Check {
  return informationalCheck("custom-columns", `off: ${problem}`);
}

function outboxCheck({ failure, size }: Outbox): Check {
  const waiting = size === 0 ? undefined : `${size} objects wait for the cloud`;
  return informationalCheck("outbox", failure === undefined ? waiting : `cannot be written: ${failure}`);
}

function secureCheck(problem: string | undefined): Check {
  return informationalCheck("secure-port", problem === undefined ? undefined : `not open: ${problem}, all else works`);
}
