import { badRequest, expired, type StatusError } from "./status.ts";

/** Where a list goes on. */
export interface ListPosition {
  /** Of all its pages. */
  readonly resourceVersion: string;
  /** The first key that the next page may begin with: `namespace/name`, or what of it lies within the list. */
  readonly start: string;
}

/** Where a list goes on that the hub holds for further pages. */
export interface HeldListPosition extends ListPosition {
  /** Which list; nobody can guess it. */
  readonly list: string;
}

/** What a `continue` token is: the hub's own, one as kube-apiserver makes them, or none, with what it says to it. */
export type ContinueToken =
  | { readonly from: "hub"; readonly position: HeldListPosition }
  | { readonly from: "cloud"; readonly position: ListPosition }
  | { readonly from: "nobody"; readonly problem: string };

/** In the place of kube-apiserver's `meta.k8s.io/v1`: where such a token gets there, it is refused as not recognized. */
const hubVersion = "holdfast/v1";
const cloudVersion = "meta.k8s.io/v1";
const notValid = "continue key is not valid";

/** The hub's `continue` token for the page that begins at a position. */
export function encodeHubContinue({ list, resourceVersion, start }: HeldListPosition): string {
  return encode({ v: hubVersion, rv: resourceVersion, start, list });
}

/** The token that kube-apiserver gives for it: what the demo's server and the tests' give. */
export function encodeCloudContinue({ resourceVersion, start }: ListPosition): string {
  return encode({ v: cloudVersion, rv: Number(resourceVersion), start });
}

/** Reads a token that is not empty, as k8s.io/apiserver pkg/storage/continue.go does. Never throws. */
export function readContinue(token: string): ContinueToken {
  const bytes = decodeBase64Url(token);
  if (typeof bytes === "number") return nobody(`${notValid}: illegal base64 data at input byte ${bytes}`);
  const members = parseObject(bytes);
  if (members === undefined) return nobody(`${notValid}: it holds no JSON object`);
  const { v = "", rv, start, list } = members;
  if (v === hubVersion && typeof rv === "string" && typeof start === "string" && typeof list === "string") {
    return { from: "hub", position: { list, resourceVersion: rv, start } };
  }
  if (v !== cloudVersion) return nobody(`${notValid}: server does not recognize this encoded version ${String(v)}`);
  if (!Number.isInteger(rv) || rv === 0) {
    return nobody(`${notValid}: incorrect encoded start resourceVersion (version ${cloudVersion})`);
  }
  if (typeof start !== "string" || start === "") {
    return nobody(`${notValid}: encoded start key empty (version ${cloudVersion})`);
  }
  if (!isCleanPath(start)) return nobody(`${notValid}: ${start}`);
  return { from: "cloud", position: { resourceVersion: String(rv), start } };
}

/** Whether a token is the hub's own, whatever became of its list. */
export function isHubToken(token: string): boolean {
  return token !== "" && readContinue(token).from === "hub";
}

/** 410 for a page that cannot be had any more, in the API server's words (etcd3/errors.go). */
export function continueExpired(): StatusError {
  return expired(
    "The provided continue parameter is too old to display a consistent list result. " +
      "You can start a new list without the continue parameter.",
  );
}

/** 400 for a page at a version: its token names one (storage/interfaces.go). */
export function versionWithContinue(): StatusError {
  return badRequest("specifying resource version is not allowed when using continue");
}

function encode(members: Readonly<Record<string, string | number>>): string {
  const binary = Array.from(new TextEncoder().encode(JSON.stringify(members)), (byte) => String.fromCharCode(byte));
  return btoa(binary.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function nobody(problem: string): ContinueToken {
  return { from: "nobody", problem: `invalid continue token: ${problem}` };
}

/** @returns the place of the first byte that is wrong, as Go counts it, where there is one */
function decodeBase64Url(text: string): Uint8Array | number {
  const wrong = text.search(/[^A-Za-z0-9_-]/);
  if (wrong >= 0) return wrong;
  if (text.length % 4 === 1) return text.length - 1;
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (byte) => byte.charCodeAt(0));
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined; // no text, or no JSON
  }
}

/** Whether Go's `path.Clean` leaves it as it is. */
function isCleanPath(start: string): boolean {
  const parts = (start.startsWith("/") ? start.slice(1) : start).split("/");
  return parts.every((part) => part !== "" && part !== "." && part !== "..");
}
