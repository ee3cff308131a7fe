import type { Platform } from "../../platform/platform.ts";
import type { FlagValues } from "../flag_values.ts";
import { connect, type NodeApi } from "./cloud_access.ts";
import { type DoctorSetup, type LoadedIdentity, loadIdentity } from "./doctor_identity.ts";
import { probeServer, type ServerProbe } from "./probe_server.ts";

/** What all checks look at. What several of them need is asked once. */
export interface DoctorContext {
  readonly platform: Platform;
  /** Of the hub, and of the doctor's own flags. */
  readonly values: FlagValues;
  /** Of `--server-addr`. */
  readonly origins: readonly string[];
  /** Who the node is. Never rejects. */
  identity(): Promise<LoadedIdentity>;
  /** What came of asking each API server, in their order. */
  probes(): Promise<readonly ServerProbe[]>;
  /** The API servers that answer, asked as the node; or why they cannot be. */
  api(): Promise<NodeApi>;
}

/** Makes it, and what closes its connections. */
export function createDoctorContext(
  options: DoctorSetup,
): { readonly context: DoctorContext; close(): Promise<void> } {
  const { platform, values, origins, signal } = options;
  const identity = once(() => loadIdentity(options));
  const access = once(async () => connect(platform, { origins, loaded: await identity() }));
  const probes = once(async () => {
    const { servers } = await access();
    return await Promise.all(servers.map((server) => probeServer(platform, { server, signal })));
  });
  const api = once(async (): Promise<NodeApi> => {
    const { apiOf } = await access();
    const answering = (await probes()).filter(({ outcome }) => outcome === "answered").map(({ origin }) => origin);
    return answering.length === 0 ? { why: "no API server answers" } : apiOf(answering);
  });
  return {
    context: { platform, values, origins, identity, probes, api },
    close: async () => await (await access()).close(),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}
