import type { Backend } from "../../../src/cloud/backend.ts";
import type { LbMode } from "../../../src/cloud/balancer.ts";
import { Cloud } from "../../../src/cloud/cloud.ts";
import { type ClusterIdentity, KnownCluster } from "../../../src/cloud/cluster_identity.ts";
import { Link } from "../../../src/cloud/link.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake_clock.ts";
import { createFakeUpstream, type FakeAnswer, type FakeUpstream } from "../../testing/fake_upstream.ts";

export interface LinkScene {
  readonly upstreams: readonly FakeUpstream[];
  readonly cloud: Cloud;
  readonly link: Link;
  readonly clock: FakeClock;
  /** `level message` and, of one backend's lines, its address. */
  readonly lines: readonly string[];
  readonly states: readonly string[];
  readonly learnt: readonly ClusterIdentity[];
  backend(index: number): Backend;
  upstream(index: number): FakeUpstream;
  /** Checks that a backend was sent so far. */
  checks(index?: number): number;
}

export interface LinkSceneOptions {
  /** @default {1} */
  readonly backends?: number;
  readonly lbMode?: LbMode;
  readonly known?: ClusterIdentity;
  readonly caHashes?: readonly string[];
}

/** A link with the documented times, without jitter: 10 s, 0.8 s while it does not answer, 2 s for a try, three tries. */
export function linkScene(options: LinkSceneOptions = {}): LinkScene {
  const { backends = 1, lbMode, known, caHashes = [] } = options;
  const clock = createFakeClock();
  const upstreams = Array.from({ length: backends }, () => createFakeUpstream());
  const lines: string[] = [];
  const learnt: ClusterIdentity[] = [];
  const cloud = new Cloud({
    backends: upstreams.map((upstream, index) => ({
      upstream,
      callerUpstream: createFakeUpstream(),
      host: `api-${index}`,
    })),
    clock,
    ...(lbMode === undefined ? {} : { lbMode }),
  });
  const link = new Link({
    cloud,
    clock,
    random: { float: () => 0.5, bytes: (length) => new Uint8Array(length) },
    logger: {
      log: (level, message, { backend } = {}) =>
        void lines.push(`${level} ${message}${typeof backend === "string" ? ` ${backend}` : ""}`),
      enabled: () => true,
    },
    cluster: new KnownCluster({
      caHashes,
      learnt: (identity) => void learnt.push(identity),
      ...(known === undefined ? {} : { known }),
    }),
  });
  const states: string[] = [];
  link.onChange(() => void states.push(link.state));
  const at = <T>(list: readonly T[], index: number): T => {
    const found = list[index];
    if (found === undefined) throw new RangeError(`There is no backend ${index}`);
    return found;
  };
  return {
    upstreams,
    cloud,
    link,
    clock,
    lines,
    states,
    learnt,
    backend: (index) => at(cloud.backends, index),
    upstream: (index) => at(upstreams, index),
    checks: (index = 0) => at(upstreams, index).requests.filter(({ rawPath }) => rawPath === "/readyz").length,
  };
}

/** An API server that says whose tokens it issues. */
export function issuing(issuer: string): (request: { readonly rawPath: string }) => FakeAnswer {
  return ({ rawPath }) =>
    rawPath === "/.well-known/openid-configuration" ? { status: 200, body: JSON.stringify({ issuer }) } : 200;
}
