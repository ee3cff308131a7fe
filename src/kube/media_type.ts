/** A media type with its parameters; `type` is in lower case. */
export interface MediaType {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The form in which a client wants objects instead of as they are. */
export interface Transform {
  readonly kind: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";
  readonly group: string;
  readonly version: string;
}

/** What a client's Accept allows for an answer with an object, a list or watch events. */
export interface Negotiated {
  /** The transformation that the client wants most; missing where it wants objects as they are. */
  readonly as?: Transform;
  /** Whether that transformation may come as JSON. */
  readonly asJson: boolean;
  /** Whether an object as it is may come as JSON: named, by a wildcard, or as there is no Accept. */
  readonly json: boolean;
  readonly yaml: boolean;
  readonly protobuf: boolean;
  /** Protobuf in some form, and nothing that could be JSON. */
  readonly protobufOnly: boolean;
  /** Whether CBOR is named. */
  readonly cbor: boolean;
  /** The media type that the API server would choose for a built-in resource; missing where it says 406. */
  readonly preferred?: "application/json" | "application/yaml" | "application/vnd.kubernetes.protobuf";
  /** Parameters of the clause that was chosen, such as `stream` or `pretty`. */
  readonly params: Readonly<Record<string, string>>;
}

interface Clause {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
  readonly params: Readonly<Record<string, string>>;
}

type Format = "json" | "yaml" | "vnd.kubernetes.protobuf";

const JSON_TYPE = "application/json";
// In the order in which the API server tries them for a wildcard.
const SERVED: readonly Format[] = ["json", "yaml", "vnd.kubernetes.protobuf"];

/** Reads an Accept as the API server does (munnerz/goautoneg, apiserver endpoints/handlers/negotiation). */
export function negotiate(accept: string | undefined): Negotiated {
  const clauses = parseAccept(accept);
  const plain = clauses.filter((clause) => !hasTransform(clause));
  const allows = (format: Format) =>
    plain.some((clause) => matches(clause, format) && allowsParameters(clause, format));
  const chosen = chooseFormat(clauses);
  const as = chosen === undefined ? undefined : transformOf(chosen.clause);
  const json = allows("json");
  const asJson = as !== undefined && clauses.some((clause) => matches(clause, "json") && sameTransform(clause, as));
  const anyProtobuf = clauses.some((clause) => matches(clause, "vnd.kubernetes.protobuf"));
  return {
    ...(as === undefined ? {} : { as }),
    asJson,
    json,
    yaml: allows("yaml"),
    protobuf: allows("vnd.kubernetes.protobuf"),
    protobufOnly: anyProtobuf && !clauses.some((clause) => matches(clause, "json")),
    cbor: plain.some(({ subtype }) => subtype === "cbor" || subtype === "cbor-seq"),
    ...(chosen === undefined ? {} : { preferred: `application/${chosen.format}` as const }),
    params: chosen?.clause.params ?? {},
  };
}

/**
 * The Accept to send upstream for a request of a resource: JSON only, in the client's order of preference and with its
 * transformations, where the client's Accept allows JSON for objects as they are; else the client's own. It is left
 * alone too where the client likes YAML most, which nothing but a person asks for.
 */
export function upstreamAccept(accept: string | undefined): string {
  const negotiated = negotiate(accept);
  if (accept === undefined || accept === "") return JSON_TYPE;
  if (!negotiated.json && !negotiated.asJson) return accept;
  if (negotiated.preferred === "application/yaml") return accept;
  const types = parseAccept(accept).map((clause) => jsonForm(clause, negotiated.json)).filter((type) => type !== "");
  return [...new Set(types)].join(",");
}

/** Reads a Content-Type; the type is empty where there is none. */
export function contentTypeOf(header: string | undefined): MediaType {
  const [type = "", ...rest] = (header ?? "").split(";");
  return { type: type.trim().toLowerCase(), parameters: parseParameters(rest, true) };
}

/** The clause as JSON; empty where it allows none. A transformation asked for in protobuf may come in JSON if JSON may. */
function jsonForm(clause: Clause, jsonAllowed: boolean): string {
  const protobufMetadata = jsonAllowed && matches(clause, "vnd.kubernetes.protobuf") &&
    (clause.params["as"] ?? "").startsWith("PartialObjectMetadata");
  if (!matches(clause, "json") && !protobufMetadata) return "";
  return [JSON_TYPE, ...Object.entries(clause.params).map(([name, value]) => `${name}=${value}`)].join(";");
}

function chooseFormat(clauses: readonly Clause[]) {
  for (const clause of clauses) {
    for (const format of SERVED) {
      if (matches(clause, format) && allowsTransform(clause, format) && allowsParameters(clause, format)) {
        return { clause, format };
      }
    }
  }
  return undefined;
}

/** Parameters with which the API server passes a clause over: a stream that it does not have, another server version. */
function allowsParameters({ params }: Clause, format: Format): boolean {
  const { stream = "", sv = "" } = params;
  return (stream === "" || (stream === "watch" && format !== "yaml")) && (sv === "" || sv === "v1");
}

function allowsTransform(clause: Clause, format: Format): boolean {
  if (!hasTransform(clause)) return true;
  const transform = transformOf(clause);
  return transform !== undefined && (transform.kind !== "Table" || format !== "vnd.kubernetes.protobuf");
}

function hasTransform({ params }: Clause): boolean {
  return params["as"] !== undefined || params["g"] !== undefined || params["v"] !== undefined;
}

function transformOf({ params }: Clause): Transform | undefined {
  const { as: kind, g: group = "", v: version = "" } = params;
  if (group !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  if (kind !== "Table" && kind !== "PartialObjectMetadata" && kind !== "PartialObjectMetadataList") return undefined;
  return { kind, group, version };
}

function sameTransform(clause: Clause, as: Transform): boolean {
  const other = transformOf(clause);
  return other?.kind === as.kind && other.version === as.version;
}

/** Case counts, as for the API server. */
function matches({ type, subtype }: Clause, format: Format): boolean {
  return (type === "application" && (subtype === format || subtype === "*")) || (type === "*" && subtype === "*");
}

/** The clauses, the most wanted first, in the order that the API server has. */
function parseAccept(accept: string | undefined): readonly Clause[] {
  if (accept === undefined || accept === "") return [{ type: "application", subtype: "json", quality: 1, params: {} }];
  const clauses = accept.split(",").map(parseClause).filter((clause) => clause !== undefined);
  return insertionSort(clauses);
}

/**
 * goautoneg's comparison is no order (a wildcard goes behind whatever its quality), so the result hangs on how it is
 * sorted: Go sorts up to twelve elements by insertion.
 */
function insertionSort(clauses: Clause[]): readonly Clause[] {
  const sorted: Clause[] = [];
  for (const clause of clauses) {
    let at = sorted.length;
    for (let before = sorted[at - 1]; before !== undefined && isWantedMore(clause, before); before = sorted[at - 1]) {
      at--;
    }
    sorted.splice(at, 0, clause);
  }
  return sorted;
}

function isWantedMore(a: Clause, b: Clause): boolean {
  return a.quality > b.quality || (a.type !== "*" && b.type === "*") || (a.subtype !== "*" && b.subtype === "*");
}

function parseClause(text: string): Clause | undefined {
  const [range = "", ...rest] = text.split(";");
  const [type = "", subtype = "", ...others] = range.split("/").map((part) => part.trim());
  if (others.length > 0 || (subtype === "" && type !== "*")) return undefined;
  const { q, ...params } = parseParameters(rest, false);
  return {
    type,
    subtype: subtype === "" ? "*" : subtype,
    quality: q === undefined ? 1 : Number.parseFloat(q) || 0,
    params,
  };
}

function parseParameters(parts: readonly string[], lowerCaseNames: boolean): Record<string, string> {
  const parameters: [string, string][] = [];
  for (const part of parts) {
    const equals = part.indexOf("=");
    if (equals < 0) continue;
    const name = part.slice(0, equals).trim();
    const value = part.slice(equals + 1).trim().replace(/^"(.*)"$/, "$1");
    parameters.push([lowerCaseNames ? name.toLowerCase() : name, value]);
  }
  return Object.fromEntries(parameters);
}
