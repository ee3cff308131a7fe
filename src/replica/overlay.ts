import { applyPatch } from "../kube/patch.ts";
import { JsonSyntaxError } from "../kube/json_scan.ts";
import { type ObjectMeta, readObjectMeta, withResourceVersion } from "../kube/object_meta.ts";
import { PatchRefusal } from "../kube/patch_refusal.ts";
import { compareVersions } from "../kube/resource_version.ts";
import { rebaseStatus } from "../kube/status_rebase.ts";
import { eventChanges } from "./event_changes.ts";
import type { OutboxEntry } from "./outbox_entry.ts";

/** Made objects that are kept for further readers: of each version that collections and records hold there is one. */
const maxMade = 4;

/** A write that waits, as it lies over what the cloud gave of its object (design, section 4, Overlay). */
export class Overlay {
  readonly entry: OutboxEntry;
  readonly #base: Uint8Array;
  readonly #baseVersion: string;
  readonly #made = new Map<Uint8Array, Uint8Array>();
  /** The version from which on it is not needed; `gone` where the object is; nothing while it waits. */
  #until: string | undefined;
  /** Whether versions of other objects tell nothing about the base's: etcd was restored since. */
  #isFromBefore = false;

  constructor(entry: OutboxEntry, base: Uint8Array) {
    this.entry = entry;
    this.#base = base;
    this.#baseVersion = readObjectMeta(base).resourceVersion;
  }

  /** Whether the write has ended: what the cloud gave from some version on is shown as it is. */
  get ended(): boolean {
    return this.#until !== undefined;
  }

  /** @param resourceVersion from which on it is not needed; missing where the object is gone */
  end(resourceVersion: string | undefined): void {
    this.#until = resourceVersion ?? "gone";
    this.#made.clear();
  }

  /** A restored etcd: its versions are other objects than those of before, the base's among them. */
  restored(): void {
    this.#isFromBefore = true;
    this.#made.clear();
  }

  /** Takes the place of another one. */
  replaces(other: Overlay): void {
    if (other.#isFromBefore && other.#baseVersion === this.#baseVersion) this.restored();
  }

  /** Whether it changes anything of that version of its object. */
  covers({ uid, resourceVersion }: Pick<ObjectMeta, "uid" | "resourceVersion">): boolean {
    if (uid !== this.entry.uid) return false;
    return this.#until === undefined || this.#until === "gone" || compareVersions(resourceVersion, this.#until) < 0;
  }

  /**
   * The object with what waits laid over it, at the version that it has. Where it is not known how, and where the write has
   * lost its meaning (another uid, a pod that has finished), the object as it is.
   */
  over(meta: Pick<ObjectMeta, "uid" | "resourceVersion">, bytes: Uint8Array): Uint8Array {
    if (!this.covers(meta)) return bytes;
    const known = this.#made.get(bytes);
    if (known !== undefined) return known;
    const made = this.#make(meta.resourceVersion, bytes);
    this.#made.set(bytes, made);
    for (const oldest of this.#made.keys()) {
      if (this.#made.size <= maxMade) break;
      this.#made.delete(oldest);
    }
    return made;
  }

  #make(resourceVersion: string, bytes: Uint8Array): Uint8Array {
    const { pending, kind } = this.entry;
    const order = this.#isFromBefore ? 1 : compareVersions(resourceVersion, this.#baseVersion);
    if (order === 0 && isSame(bytes, this.#base)) return pending;
    if (order < 0) return withResourceVersion(pending, resourceVersion); // what was held then has less in it than the base
    const states = { base: this.#base, pending, fresh: bytes };
    try {
      if (kind !== "status") {
        const body = eventChanges(states);
        const contentType = "application/merge-patch+json";
        return body === undefined ? bytes : applyPatch(bytes, { body, contentType, subresource: "" });
      }
      const rebased = rebaseStatus(states);
      if (!("patch" in rebased)) return bytes;
      const contentType = "application/strategic-merge-patch+json";
      return applyPatch(bytes, { body: rebased.patch, contentType, subresource: "status" });
    } catch (error) {
      if (error instanceof PatchRefusal || error instanceof JsonSyntaxError) return bytes;
      throw error;
    }
  }
}

/** Of a restored etcd a version may be another object: whether it was restored is not known after a start of the hub. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
