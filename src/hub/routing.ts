import type { LinkState } from "../cloud/link.ts";
import { isHubToken } from "../kube/continue_token.ts";
import type { ListOptions } from "../kube/list_options.ts";
import type { RequestInfo } from "../kube/request_info.ts";

/** What decides where an answer comes from. */
export interface RoutingQuestion {
  readonly link: LinkState;
  readonly method: string;
  readonly info: RequestInfo;
  /** Of a list or watch. */
  readonly options?: ListOptions;
  /** The client takes plain JSON objects. */
  readonly takesJson: boolean;
  /** The client would rather have a Table: online the cloud knows its columns best. */
  readonly wantsTable: boolean;
  /** The API server would refuse the read for its options. */
  readonly invalid: boolean;
  /** The form that the client wants is none of a list, or none of an object. */
  readonly misfit: boolean;
  /** The request brings a credential of its own. */
  readonly ownCredential: boolean;
  /** It is a read of a verified service account, which may have been granted what is held. */
  readonly shares: boolean;
  /** It is a write of a verified service account, whose answer shows an object that all scopes share. */
  readonly showsWritten: boolean;
  /** It acts as somebody else. */
  readonly impersonates: boolean;
  readonly upgrade: boolean;
  /** Whether the client may be answered from the replica (`cache_agents`). */
  readonly mayAnswer: boolean;
  /** It gets, makes or renews this node's own lease. */
  readonly ownLease: boolean;
}

/**
 * `pass`: the cloud or 503, nothing is kept. `cloud`: the cloud, what it answers is recorded, and where it does not answer
 * what is held (R2). `document`: the same for discovery. `collection`: the query's collection, made and kept up to date
 * (R1, R3, R4). `covered`: a live collection that covers the name, else as `cloud` (R1). `held`: what is held, the cloud
 * being out of reach (R11). `lease`: as kubelet's own renewals need it. `page`: a further page of a list whose first one the hub gave (R8). `invalid`: the cloud's refusal, while it is out of reach the hub's. `write`: what may be answered
 * of a write while the cloud is out of reach. `expired`: 410, for the cloud alone could tell (R1, R8).
 */
export type Route =
  | "pass"
  | "cloud"
  | "document"
  | "collection"
  | "covered"
  | "held"
  | "lease"
  | "page"
  | "held-document"
  | "write"
  | "invalid"
  | "expired"
  | "refuse";

interface Row {
  readonly when: (question: RoutingQuestion) => boolean;
  readonly online: Route;
  readonly offline: Route;
}

/** The first row that fits decides. */
const table: readonly Row[] = [
  { when: (q) => isForeign(q) || q.impersonates || isDryRun(q), online: "pass", offline: "refuse" },
  { when: (q) => q.upgrade || q.method === "HEAD", online: "pass", offline: "refuse" },
  { when: (q) => q.showsWritten, online: "cloud", offline: "refuse" },
  { when: isDiscovery, online: "document", offline: "held-document" },
  { when: (q) => !q.info.isResource, online: "pass", offline: "refuse" },
  { when: (q) => q.ownLease, online: "lease", offline: "lease" },
  { when: (q) => !q.mayAnswer, online: "pass", offline: "refuse" },
  { when: isWrite, online: "cloud", offline: "write" },
  {
    when: (q) => q.info.subresource !== "" || q.info.verb === "proxy" || isSharded(q),
    online: "pass",
    offline: "refuse",
  },
  { when: (q) => !q.takesJson || q.misfit, online: "pass", offline: "refuse" },
  { when: (q) => q.invalid, online: "invalid", offline: "invalid" },
  { when: isFurtherPage, online: "page", offline: "page" },
  { when: (q) => q.info.verb === "watch" && q.wantsTable, online: "pass", offline: "held" },
  { when: (q) => q.info.verb === "watch", online: "collection", offline: "held" },
  { when: (q) => q.wantsTable, online: "cloud", offline: "held" },
  { when: (q) => q.info.verb === "get" && askedVersion(q) !== "", online: "covered", offline: "held" },
  { when: (q) => q.info.verb === "get", online: "cloud", offline: "held" },
  { when: (q) => isExact(q.options), online: "cloud", offline: "expired" },
  { when: (q) => askedVersion(q) !== "", online: "collection", offline: "held" },
  { when: () => true, online: "cloud", offline: "held" },
];

/** @returns where the answer comes from; while the link is not known yet the cloud is tried */
export function route(question: RoutingQuestion): Route {
  for (const row of table) {
    if (row.when(question)) return question.link === "offline" ? row.offline : row.online;
  }
  return "refuse";
}

/** Where a read goes on when the cloud did not answer. */
export function fallback(route: Route): Route | undefined {
  switch (route) {
    case "cloud":
    case "covered":
    case "collection":
      return "held";
    case "document":
      return "held-document";
    default:
      return undefined;
  }
}

/** With a credential of its own, and nothing to this hub: its answers are its caller's alone. */
function isForeign({ ownCredential, shares, showsWritten }: RoutingQuestion): boolean {
  return ownCredential && !shares && !showsWritten;
}

function askedVersion(question: RoutingQuestion): string {
  return question.options?.resourceVersion ?? question.info.query.get("resourceVersion") ?? "";
}

/**
 * What only the API server's own past can answer: exactly one version, a further page, or a first page at a version
 * (`limit` with a version and no match stands for `Exact`).
 */
export function isExact(options: ListOptions | undefined): boolean {
  if (options === undefined) return false;
  if (options.continue !== "" || options.resourceVersionMatch === "Exact") return true;
  return options.limit > 0 && options.resourceVersion !== "" && options.resourceVersion !== "0" &&
    options.resourceVersionMatch === "";
}

/** Of a list that the hub itself began: nobody else can continue it. */
function isFurtherPage({ info, options }: RoutingQuestion): boolean {
  return info.verb === "list" && isHubToken(options?.continue ?? "");
}

function isSharded(question: RoutingQuestion): boolean {
  return (question.options?.shardSelector ?? "") !== "";
}

function isDryRun(question: RoutingQuestion): boolean {
  return question.info.query.has("dryRun");
}

function isWrite(question: RoutingQuestion): boolean {
  return ["create", "update", "patch", "delete", "deletecollection"].includes(question.info.verb);
}

function isDiscovery(question: RoutingQuestion): boolean {
  const { info, method } = question;
  if (info.isResource || method !== "GET") return false;
  return /^\/(apis?(\/.*)?|openapi\/.*|version\/?)$/.test(info.path);
}
