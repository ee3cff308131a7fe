import { KnownCluster } from "../cloud/cluster_identity.ts";
import type { HubLinkOptions, WorkingMode } from "../hub/hub_link.ts";
import { type HubState, openHubState } from "../hub/hub_state.ts";
import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import type { FlagValues } from "./flag_values.ts";
import type { HubIdentity } from "./hub_identity.ts";

export interface LinkSources {
  readonly values: FlagValues;
  readonly identity: HubIdentity;
  /** Missing in cloud mode, which keeps nothing. */
  readonly state: HubState | undefined;
}

/** What the flags say of the link, and what the state file knows of the cluster. */
export function hubLinkOptions({ values, identity, state }: LinkSources): HubLinkOptions {
  return {
    backends: identity.backends,
    authorization: identity.authorization,
    lbMode: values.string("lb-mode") === "priority" ? "priority" : "rr",
    workingMode: workingModeOf(values),
    health: {
      intervalMs: values.durationMs("heartbeat-interval-seconds"),
      timeoutMs: values.durationMs("heartbeat-timeout-seconds"),
      tries: values.integer("heartbeat-failed-retry"),
      healthyThreshold: values.integer("heartbeat-healthy-threshold"),
    },
    kubeletHealthGraceMs: values.durationMs("kubelet-health-grace-period"),
    ...(state === undefined ? {} : { cluster: knownCluster(identity, state) }),
  };
}

export function workingModeOf(values: FlagValues): WorkingMode {
  return values.string("working-mode") === "cloud" ? "cloud" : "edge";
}

/** The state file: `<root-dir>/state.json`. @throws FileError */
export function openState(
  { files, clock, openStateFile }: Platform,
  { rootDir, logger }: { readonly rootDir: string; readonly logger: Logger },
): Promise<HubState> {
  const path = `${rootDir.replace(/\/+$/, "")}/state.json`;
  return openHubState({ files, clock, openStateFile, logger, path });
}

function knownCluster(identity: HubIdentity, state: HubState): KnownCluster {
  const cluster = new KnownCluster({
    caHashes: identity.caHashes,
    learnt: (learnt) => state.setCluster(learnt),
    ...(state.cluster === undefined ? {} : { known: state.cluster }),
  });
  identity.onCa((caHashes) => cluster.trust(caHashes));
  return cluster;
}
