import { defineFilter, type Filter } from "../filter.ts";
import { objectAt, textAt } from "../read_object.ts";

/**
 * kubelet gives kube-proxy's pods a configuration without a kubeconfig file: kube-proxy then takes the in-cluster
 * configuration, which leads to the hub.
 */
export const inclusterconfig: Filter = defineFilter({
  name: "inclusterconfig",
  components: ["kubelet"],
  resources: [{ group: "", resource: "configmaps" }],
  concerns: ({ namespace, name }) => namespace === "kube-system" && name === "kube-proxy",
  apply: (configMap) => {
    const data = objectAt(configMap, "data");
    const config = textAt(data, "config.conf");
    const changed = config.split("\n").map(withoutKubeconfig).join("\n");
    return changed === config ? configMap : { ...configMap, data: { ...data, "config.conf": changed } };
  },
});

/** A line that is commented out already is another one: nothing is commented twice. */
function withoutKubeconfig(line: string): string {
  const parts = line.trim().split(":");
  return parts.length === 2 && parts[0]?.trim() === "kubeconfig" ? line.replace("kubeconfig", "#kubeconfig") : line;
}
