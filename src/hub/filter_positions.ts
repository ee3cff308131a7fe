import { compareVersions, isVersion } from "../kube/resource_version.ts";

/**
 * Up to which versions it is not known, or not the newest, by which filter clients were answered: for each component and
 * resource. A client that resumes from one of these is sent anew what the filter changes.
 */
export class FilterPositions {
  /** Versions below are unknown. */
  readonly #unknownBelow = new Map<string, string>();
  readonly #given = new Map<string, string>();

  /** A client was given the state at a version by the newest filter. */
  gave(key: string, resourceVersion: string): void {
    if (!this.#unknownBelow.has(key)) this.#unknownBelow.set(key, "0");
    raise(this.#given, key, resourceVersion);
  }

  /** Whether a client of a component and resource was ever answered by a filter. */
  knows(key: string): boolean {
    return this.#unknownBelow.has(key);
  }

  /** Whether a client that stands there may have been answered otherwise. The first of all was, by nobody knows whom. */
  isUnknownAt(key: string, resourceVersion: string): boolean {
    const below = this.#unknownBelow.get(key);
    if (below === undefined) this.leftBehind(key, resourceVersion);
    return below === undefined || compareVersions(resourceVersion, below) < 0;
  }

  /** A client stands there that was not answered by the newest filter. */
  leftBehind(key: string, resourceVersion: string): void {
    if (isVersion(resourceVersion)) raise(this.#unknownBelow, key, String(BigInt(resourceVersion) + 1n));
  }

  /** Another filter counts. @param highest of the versions that are held of a key's resource */
  changed(highest: (key: string) => string): void {
    for (const key of [...this.#unknownBelow.keys()]) {
      this.leftBehind(key, highest(key));
      const given = this.#given.get(key);
      if (given !== undefined) this.leftBehind(key, given);
    }
  }
}

function raise(versions: Map<string, string>, key: string, version: string): void {
  const known = versions.get(key);
  if (known === undefined || compareVersions(version, known) > 0) versions.set(key, version);
}
