import type { ObjectMeta } from "../kube/object_meta.ts";

/** What is made of objects on their way to one client: a pure function of each object, as of one moment's lookups. */
export interface ObjectFilter {
  /** Whether it may make anything of an object, by what is known without its bytes; where not it is shown as it is. */
  concerns(meta: ObjectMeta): boolean;
  /**
   * An object as it is shown: the same bytes where it is not changed; nothing where it is not shown.
   *
   * @param object in stored form
   * @throws StatusError where a filter fails: the answer must not go on without it
   */
  show(meta: ObjectMeta, object: Uint8Array): Uint8Array | undefined;
}

/** Which filter a watch goes by. */
export interface WatchFilter {
  /** Another one when a lookup of its filters, or the choice of filters, has changed; nothing where none filters. */
  readonly now: () => ObjectFilter | undefined;
  /** Whether it is not known by which filter a client that stands at a version was answered. */
  readonly isUnknownAt: (resourceVersion: string) => boolean;
  /** Tells that a client has been sent, up to a version, what it sees by the newest filter. */
  readonly gave: (resourceVersion: string) => void;
  /** Tells where a client stands that has not been sent yet what the newest filter changes. */
  readonly leftBehind: (resourceVersion: string) => void;
}
