import { collectionPath, type Dice, EVERYTHING, type Kind, KINDS, LABELS, NAMES, NAMESPACES } from "./kinds.ts";

/** A read that both are asked. */
export interface Question {
  readonly path: string;
  readonly accept: string;
  readonly isWatch: boolean;
}

/** Versions that questions name. */
export interface Versions {
  /** Of the last write. */
  readonly now: bigint;
  /** Some time ago; neither compacted nor forgotten. */
  readonly earlier: bigint;
}

/** Continue tokens that the API server gave. */
export type Tokens = readonly string[];

const JSON_ONLY = "application/json";
const TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1";
const FORMS = [
  TABLE,
  `${TABLE}, application/json`,
  "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
  "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
  "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json",
  "application/json;as=Nothing;g=meta.k8s.io;v=v1",
  "text/plain",
  "application/vnd.kubernetes.protobuf;q=0.1, */*;q=0.5",
];

const WRONG_LABELS = ["app in", "=a", "a b", "app=-", `app=${"x".repeat(64)}`, "app in ()", "a/b/c=d", "app,,tier"];
const WRONG_FIELDS = [
  "metadata.name",
  "=x",
  "spec.foo=bar",
  "metadata.labels=a",
  "status.phase>1",
  "metadata.name=a\\q",
];

/** A random question, mostly one that has an answer. */
export function randomQuestion(dice: Dice, versions: Versions, tokens: Tokens): Question {
  const kind = dice.pick(KINDS);
  const isWatch = dice.chance(0.35);
  const { path, isObject } = randomPath(dice, kind, isWatch);
  const query = new URLSearchParams();
  const set = (name: string, chance: number, choices: readonly string[]): void => {
    if (dice.chance(chance)) query.set(name, dice.pick(choices));
  };
  if (isWatch && !path.includes("/watch/")) query.set("watch", dice.pick(["true", "1"]));
  const versionChoices = ["0", "0", "0", String(versions.now), String(versions.now), String(versions.earlier), "1"];
  set("resourceVersion", 0.55, dice.chance(0.85) ? versionChoices : wrongVersions(versions));
  set("resourceVersionMatch", 0.25, ["NotOlderThan", "NotOlderThan", "Exact", "Exact", "Newest", ""]);
  set("limit", isWatch ? 0.05 : 0.25, ["1", "2", "3", "500", "0", "-1", "x"]);
  set(
    "continue",
    isWatch ? 0.03 : 0.08,
    tokens.length > 0 ? [...tokens, "nonsense", "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ"] : ["nonsense"],
  );
  const label = dice.pick([EVERYTHING, ...LABELS]).labelSelector;
  if (dice.chance(0.06)) query.set("labelSelector", dice.pick(WRONG_LABELS));
  else if (dice.chance(0.4) && label !== undefined) query.set("labelSelector", label);
  const field = dice.pick([EVERYTHING, ...kind.fields]).fieldSelector;
  if (dice.chance(0.08)) query.set("fieldSelector", dice.pick(WRONG_FIELDS));
  else if (dice.chance(0.3) && field !== undefined) query.set("fieldSelector", field);
  set("sendInitialEvents", isWatch ? 0.35 : 0.04, ["true", "true", "true", "false", "1", "x"]);
  if (query.get("sendInitialEvents") === "true" && dice.chance(0.8)) query.set("resourceVersionMatch", "NotOlderThan");
  set("allowWatchBookmarks", isWatch ? 0.5 : 0.03, ["true", "1", "false", ""]);
  if (isWatch) query.set("timeoutSeconds", dice.chance(0.03) ? "x" : "1");
  else set("timeoutSeconds", 0.04, ["5", "0", "x"]);
  set("timeout", 0.02, ["10s", "5", "x"]);
  const accept = dice.chance(0.8) ? JSON_ONLY : dice.pick(FORMS);
  const text = isObject && !isWatch ? objectQuery(query) : query;
  // A name with `watch` is a GET, but for the deprecated paths.
  const streams = isWatch && (!isObject || path.includes("/watch/"));
  return { path: text.size === 0 ? path : `${path}?${text}`, accept, isWatch: streams };
}

function wrongVersions({ now }: Versions): readonly string[] {
  return [String(now + 1_000_000n), "abc", "-1", "1.5", String(2n ** 64n), "", "007"];
}

function randomPath(dice: Dice, kind: Kind, isWatch: boolean): { readonly path: string; readonly isObject: boolean } {
  const namespace = !kind.namespaced || dice.chance(0.4) ? "" : dice.pick([...NAMESPACES, ...NAMESPACES, "nowhere"]);
  const collection = collectionPath(kind, namespace);
  if (dice.chance(0.02)) return { path: collection.replace(kind.resource, "nothings"), isObject: false };
  const isObject = dice.chance(0.25) && (!kind.namespaced || namespace !== "");
  const path = isObject ? `${collection}/${dice.pick([...NAMES, "missing"])}` : collection;
  const old = isWatch && dice.chance(0.06);
  return { path: old ? path.replace(/^\/(api\/v1|apis\/example\.com\/v1)\//, "/$1/watch/") : path, isObject };
}

/** A GET takes few of them; the others say nothing. */
function objectQuery(query: URLSearchParams): URLSearchParams {
  const kept = new URLSearchParams();
  for (const name of ["resourceVersion", "timeout", "limit"]) {
    const value = query.get(name);
    if (value !== null) kept.set(name, value);
  }
  return kept;
}
