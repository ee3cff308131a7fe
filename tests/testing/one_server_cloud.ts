import { headerOf } from "../../src/kube/hop_by_hop.ts";
import type { Clock } from "../../src/platform/clock.ts";
import {
  type Upstream,
  UpstreamError,
  type UpstreamRequest,
  type UpstreamResponse,
} from "../../src/platform/upstream.ts";
import { SimApiServer } from "../simulation/sim_api_server.ts";
import { SimEtcd } from "../simulation/sim_etcd.ts";
import { SimFlow } from "../simulation/sim_flow.ts";
import { configMaps, type SimState } from "../simulation/sim_objects.ts";
import { checkPaths } from "./check_paths.ts";

/** An answer in the server's place. */
export interface OtherAnswer {
  readonly status: number;
  readonly body?: string;
  readonly rawHeaders?: readonly string[];
}

/** An API server that answers at once, in virtual time, and may be cut off, restored, or made to answer otherwise. */
export interface OneServerCloud {
  readonly etcd: SimEtcd;
  readonly upstream: Upstream;
  /** Path and query of all that was asked, but for the hub's own checks of the link. */
  readonly asked: string[];
  /** In the server's place, where it gives one; `token` of who asks in another name than the node's. */
  instead: (rawPath: string, token: string | undefined) => OtherAnswer | undefined;
  /** Who asked: a token, or empty for the node; one for each of `asked`. */
  readonly askers: string[];
  /** Refuses connections and breaks those that are open, until it is false. */
  cut: boolean;
  /** Breaks all connections, and what watches could have resumed from is gone where it is before `oldest`. */
  reset(): void;
  /** Goes back to a backup of that revision. */
  restore(revision: number): void;
  /** Writes a ConfigMap of the namespace `default`. @returns its version */
  put(name: string, namespace?: string): number;
  remove(name: string): void;
}

export function createOneServerCloud(
  clock: Clock,
  { watchList = true }: { readonly watchList?: boolean } = {},
): OneServerCloud {
  const etcd = new SimEtcd();
  const server = new SimApiServer(etcd, clock, { pageMax: 500, watchList });
  const flows = new Set<SimFlow>();
  const breakAll = () => {
    for (const flow of [...flows]) flow.break(new UpstreamError("broken", "The connection broke", { sent: true }));
  };
  let isCut = false;
  const request = async (asked: UpstreamRequest): Promise<UpstreamResponse & { readonly socket?: undefined }> => {
    const { method, rawPath } = asked;
    const token = headerOf(asked.rawHeaders, "authorization")?.replace("Bearer ", "");
    if (!checkPaths.includes(rawPath)) {
      cloud.asked.push(rawPath);
      cloud.askers.push(token ?? "");
    }
    if (isCut) throw new UpstreamError("refused", "The connection was refused", { sent: false });
    const flow = new SimFlow(clock, asked, (ended) => flows.delete(ended));
    if (flow.open) flows.add(flow);
    answer(flow, { method, rawPath, body: "", contentType: "", own: false }, token);
    return await flow.response;
  };
  const answer = (flow: SimFlow, asked: Parameters<SimApiServer["answer"]>[0], token?: string): void => {
    const other = cloud.instead(asked.rawPath, token);
    if (other === undefined && server.isWatch(asked)) return watch(flow, asked);
    const { status, body = "", rawHeaders = [] } = other ?? server.answer(asked);
    flow.head(status, rawHeaders);
    flow.push(body);
    flow.end();
  };
  const watch = (flow: SimFlow, asked: Parameters<SimApiServer["answer"]>[0]): void => {
    const refused = server.watch(asked, { send: (text) => flow.open && flow.push(text), end: () => flow.end() });
    flow.head("status" in refused ? refused.status : 200, []);
    if (!("status" in refused)) return;
    flow.push(refused.body);
    flow.end();
  };
  const cloud: OneServerCloud = {
    etcd,
    asked: [],
    askers: [],
    instead: () => undefined,
    upstream: { request, upgrade: request, rotate: () => undefined, close: () => Promise.resolve() },
    get cut(): boolean {
      return isCut;
    },
    set cut(cut: boolean) {
      isCut = cut;
      if (cut) breakAll();
    },
    reset: breakAll,
    restore(revision) {
      etcd.restore(revision);
      breakAll();
    },
    put: (name, namespace = "default") => etcd.put(draft(name, namespace)).version,
    remove: (name) => void etcd.remove(`configmaps/default/${name}`),
  };
  return cloud;
}

let writes = 0;

function draft(name: string, namespace: string): Omit<SimState, "version" | "uid" | "key"> {
  return { resource: configMaps, namespace, name, labels: {}, nodeName: "", content: `write-${++writes}` };
}
