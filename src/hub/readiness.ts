import type { Outbox } from "../replica/outbox.ts";
import type { HubContext } from "./context.ts";
import type { Filters } from "./filters.ts";
import { certificateChecks, type HubCertificates } from "./hub_certificates.ts";
import type { Check } from "./readiness_check.ts";

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
    { name: "ping", ok: true, why: "" },
    { name: "restored", ok: true, why: "" },
    { name: "link-checked", ok: link.state !== "unknown", why: "the link to the cloud was not checked yet" },
    {
      name: "cloud",
      ok: link.state === "online",
      why: `out of reach: ${link.reason}, the replica answers`,
      informational: true,
    },
    {
      name: "store",
      ok: failure === undefined,
      why: `going on from memory: ${failure ?? ""}, the replica answers`,
      informational: true,
    },
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
  return { name: "filters", ok: problems.length === 0, why: `off: ${problems.join("; ")}`, informational: true };
}

function columnsCheck(problem: string): Check {
  return { name: "custom-columns", ok: false, why: `off: ${problem}`, informational: true };
}

function outboxCheck({ failure, size }: Outbox): Check {
  const why = failure === undefined ? `${size} objects wait for the cloud` : `cannot be written: ${failure}`;
  return { name: "outbox", ok: failure === undefined && size === 0, why, informational: true };
}

function secureCheck(problem: string | undefined): Check {
  const why = `not open: ${problem ?? ""}, all else works`;
  return { name: "secure-port", ok: problem === undefined, why, informational: true };
}
