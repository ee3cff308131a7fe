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

type Format = "json" | "yaml" | "vnd.kubernetes.protobuf" | "cbor" | "cbor-seq";

const JSON_TYPE = "application/json";
// In the order in which the API server tries them for a wildcard.
const SERVED: readonly ("json" | "yaml" | "vnd.kubernetes.protobuf")[] = ["json", "yaml", "vnd.kubernetes.protobuf"];

/** Reads an Accept as the API server does (munnerz/goautoneg; endpoints/handlers/negotiation; AllowsMediaTypeTransform). */
export function negotiate(accept: string | undefined): Negotiated {
  const clauses = parseAccept(accept);
  const plain = clauses.filter((clause) => !hasTransform(clause));
  const allows = (format: Format) => plain.some((clause) => matches(clause, format));
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
    cbor: allows("cbor") || allows("cbor-seq"),
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
  if (accept === undefined || accept.trim() === "") return JSON_TYPE;
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
      if (matches(clause, format) && allowsTransform(clause, format) && allowsStream(clause)) return { clause, format };
    }
  }
  return undefined;
}

function allowsStream({ params }: Clause): boolean {
  return params["stream"] === undefined || params["stream"] === "" || params["stream"] === "watch";
}

function allowsTransform(clause: Clause, format: string): boolean {
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

/** The clauses, the most wanted first: by quality, then those without wildcards, then as they stand. */
function parseAccept(accept: string | undefined): readonly Clause[] {
  if (accept === undefined || accept.trim() === "") {
    return [{ type: "application", subtype: "json", quality: 1, params: {} }];
  }
  const clauses = accept.split(",").map(parseClause).filter((clause) => clause !== undefined);
  return clauses.toSorted((a, b) => b.quality - a.quality || wildcards(a) - wildcards(b));
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

function wildcards({ type, subtype }: Clause): number {
  return (type === "*" ? 2 : 0) + (subtype === "*" ? 1 : 0);
}
