/** Headers of one connection only (RFC 9110 7.6.1 and 11.7, and `Proxy-Connection`, which old clients send). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export interface ForwardOptions {
  /** Keeps `Upgrade`, and a `Connection` that names nothing else: the other side is asked to switch protocols too. */
  readonly keepUpgrade?: boolean;
}

/**
 * The headers that go on to the next hop: without those of this connection and those that `Connection` names. Order,
 * duplicates and spelling stay. `TE: trailers` stays too, as gRPC needs it.
 */
export function forwardHeaders(raw: readonly string[], options: ForwardOptions = {}): string[] {
  const named = connectionTokens(raw);
  const upgrades = options.keepUpgrade === true && named.has("upgrade");
  const forwarded: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    const lower = name.toLowerCase();
    if (lower === "te" && acceptsTrailers(value)) forwarded.push(name, "trailers");
    else if (lower === "upgrade" && upgrades) forwarded.push("Connection", "Upgrade", name, value);
    else if (!HOP_BY_HOP.has(lower) && !named.has(lower)) forwarded.push(name, value);
  }
  return forwarded;
}

/**
 * Replaces all headers of a name by one, in the place of the first, with its spelling; puts it at the end where there
 * is none; takes all of them off for no value.
 */
export function replaceHeader(raw: readonly string[], name: string, value: string | undefined): string[] {
  const lower = name.toLowerCase();
  const result: string[] = [];
  let pending = value;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const present = raw[index] ?? "";
    if (present.toLowerCase() !== lower) {
      result.push(present, raw[index + 1] ?? "");
    } else if (pending !== undefined) {
      result.push(present, pending);
      pending = undefined;
    }
  }
  if (pending !== undefined) result.push(name, pending);
  return result;
}

/** The value of a header, whatever its spelling; duplicates joined with ", "; nothing where there is none. */
export function headerOf(raw: readonly string[], name: string): string | undefined {
  const lower = name.toLowerCase();
  let found: string | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if ((raw[index] ?? "").toLowerCase() !== lower) continue;
    const value = raw[index + 1] ?? "";
    found = found === undefined ? value : `${found}, ${value}`;
  }
  return found;
}

function connectionTokens(raw: readonly string[]): ReadonlySet<string> {
  const tokens = (headerOf(raw, "connection") ?? "").split(",").map((token) => token.trim().toLowerCase());
  return new Set(tokens.filter((token) => token !== "" && !tellsCaller(token)));
}

/** Who asks, and as whom, is never a matter of one connection: a header that takes it off would change the caller. */
function tellsCaller(name: string): boolean {
  return ["authorization", "sec-websocket-protocol"].includes(name) || name.startsWith("impersonate-");
}

function acceptsTrailers(te: string): boolean {
  return te.split(",").some((coding) => coding.trim().toLowerCase() === "trailers");
}
