import { defineFilter, type Filter, type FilterObject } from "../filter.ts";
import type { HubAddress } from "../hub_address.ts";
import { objectAt, textAt, withMember, withObjects } from "../read_object.ts";

const hostVariable = "KUBERNETES_SERVICE_HOST";
const portVariable = "KUBERNETES_SERVICE_PORT";

/** kubelet runs containers whose manifest names the API server in their environment with the hub in its place. */
export function serviceenvupdater({ host, port }: HubAddress): Filter {
  const values: ReadonlyMap<string, string> = new Map([[hostVariable, host], [portVariable, String(port)]]);
  return defineFilter({
    name: "serviceenvupdater",
    components: ["kubelet"],
    resources: [{ group: "", resource: "pods" }],
    mentions: [hostVariable, portVariable],
    apply: (pod) => {
      let spec = objectAt(pod, "spec");
      for (const containers of ["containers", "initContainers", "ephemeralContainers"]) {
        const changed = withObjects(spec[containers], (container) => atHub(container, values));
        spec = withMember(spec, containers, changed);
      }
      return withMember(pod, "spec", spec);
    },
  });
}

/** Variables that it does not have are not added. */
function atHub(container: FilterObject, values: ReadonlyMap<string, string>): FilterObject {
  const env = withObjects(container["env"], (variable) => {
    const name = textAt(variable, "name");
    const value = values.get(name);
    return value === undefined || variable["value"] === value ? variable : { name, value };
  });
  return withMember(container, "env", env);
}
