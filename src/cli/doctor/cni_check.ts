import { z } from "zod";
import { type Check, type Finding, ok, skipped, warning } from "./finding.ts";

/** What needs the API for each pod, by the `type` of a plugin or of its IPAM: what then happens offline. */
const needsCloud: ReadonlyMap<string, string> = new Map([
  ["calico", "it keeps each pod's endpoint and address in the API, or in etcd"],
  ["calico-ipam", "it keeps each pod's address in the API, or in etcd"],
  ["cilium-cni", "its agent makes a CiliumEndpoint for each pod, and keeps identities in the API"],
  ["ovn-k8s-cni-overlay", "it waits for an annotation that its controller writes in the cloud"],
  ["kube-ovn", "it waits for an annotation that its controller writes in the cloud"],
  ["multus", "it reads each pod and writes its networks into the pod's annotations"],
  ["multus-shim", "its daemon reads each pod and writes its networks into the pod's annotations"],
  ["whereabouts", "it keeps each pod's address in an IPPool in the API"],
  ["aws-cni", "its addresses come from the cloud provider"],
  ["azure-vnet", "its addresses come from the cloud provider"],
]);

const pluginSchema = z.object({
  type: z.string(),
  datastore_type: z.string().optional(),
  ipam: z.object({ type: z.string().optional() }).optional(),
});
const fileSchema = z.union([z.object({ plugins: z.array(pluginSchema) }), pluginSchema]);

/** Whether the network plugin starts pods while the cloud is out of reach. */
export const cniCheck: Check = {
  name: "cni",
  run: async ({ platform: { disk, files }, values }) => {
    const folder = values.string("cni-conf-dir").replace(/\/+$/, "");
    const names = (await disk.list(folder) ?? []).filter((name) => /\.(conf|conflist|json)$/.test(name));
    const [first] = names; // the runtime takes the first by name
    if (first === undefined) {
      return [skipped(`there is no network configuration in ${folder}; --cni-conf-dir names another`)];
    }
    const path = `${folder}/${first}`;
    const read = fileSchema.safeParse(jsonOf(new TextDecoder().decode(await files.read(path))));
    if (!read.success) return [warning(`${path} is no configuration of a network plugin`, "see what has written it")];
    return [pluginsFinding(path, "plugins" in read.data ? read.data.plugins : [read.data])];
  },
};

function pluginsFinding(path: string, plugins: readonly z.infer<typeof pluginSchema>[]): Finding {
  const types = [
    ...new Set(plugins.flatMap(({ type, ipam }) => [type, ...(ipam?.type === undefined ? [] : [ipam.type])])),
  ];
  const bound = types.filter((type) => needsCloud.has(type));
  if (bound.length === 0) {
    return ok(`${path} (${types.join(", ")}) needs no API server to start a pod, as far as is known`);
  }
  const whys = bound.map((type) => `${type}: ${needsCloud.get(type)}`).join("; ");
  return warning(
    `${path} needs the API for every pod (${whys}): while the link is cut a pod that is new, or whose sandbox is made anew ` +
      "after a reboot, gets no network",
    "on nodes that must start pods while cut off use a plugin that keeps addresses on the node (flannel, bridge or ptp with " +
      "host-local); running pods are not affected",
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no schema takes it
  }
}
