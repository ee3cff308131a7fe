import { getJson } from "../driver/api_client.ts";
import type { Cluster } from "../driver/cluster.ts";
import { waitFor } from "../driver/wait.ts";
import { NAMESPACES } from "./kinds.ts";

/** A custom resource of which one field can be selected. */
export const WIDGET_DEFINITION: object = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget" },
    versions: [{
      name: "v1",
      served: true,
      storage: true,
      selectableFields: [{ jsonPath: ".spec.colour" }],
      additionalPrinterColumns: [{ name: "Colour", type: "string", jsonPath: ".spec.colour" }],
      schema: {
        openAPIV3Schema: {
          type: "object",
          properties: {
            spec: {
              type: "object",
              "x-kubernetes-preserve-unknown-fields": true,
              properties: { colour: { type: "string" } },
            },
          },
        },
      },
    }],
  },
};

/** Makes the namespaces and the custom resource of the random writer, and sees to it that nobody else writes any more. */
export async function prepareWorld(cluster: Cluster): Promise<void> {
  const { api } = cluster;
  await post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGET_DEFINITION);
  for (const name of NAMESPACES) await post("/api/v1/namespaces", { metadata: { name } });
  for (const name of NAMESPACES) {
    // Without the account no pod can be made; the ConfigMap would come in between later.
    for (const path of ["serviceaccounts/default", "configmaps/kube-root-ca.crt"]) {
      await waitFor(
        `${path} of ${name}`,
        20_000,
        async () => (await api(`/api/v1/namespaces/${name}/${path}`)).status === 200,
      );
    }
  }
  await waitFor("widgets to be served", 10_000, async () => (await api("/apis/example.com/v1/widgets")).status === 200);
  // Before it is held, for it would delete the pods of nodes that there are not, and taint the nodes that there are.
  cluster.parts.hold("controller-manager");

  async function post(path: string, body: unknown): Promise<void> {
    await getJson(api, path, { method: "POST", body: JSON.stringify(body) });
  }
}
