import { z } from "zod";
import { messageOf } from "../../identity/json_api.ts";
import { type Check, ok, skipped, warning } from "./finding.ts";
import { reasonOf } from "./reason.ts";

/** Minor versions of Kubernetes 1. `oldest` has the last of what the hub asks for: EndpointSlices as discovery.k8s.io/v1. */
const known = { oldest: 21, tested: 36 };

const versionSchema = z.object({ gitVersion: z.string(), major: z.string(), minor: z.string() });

/** Whether the cluster's version is one that the hub knows. */
export const versionCheck: Check = {
  name: "cluster-version",
  run: async (context, signal) => {
    const asked = await context.api();
    if ("why" in asked) return [skipped(asked.why)];
    try {
      const answer = await asked.api({ method: "GET", path: "/version", signal });
      const read = versionSchema.safeParse(answer.object);
      if (answer.status !== 200 || !read.success) return [skipped(`/version answered ${messageOf(answer)}`)];
      return [versionFinding(read.data)];
    } catch (error) {
      return [skipped(reasonOf(error))];
    }
  },
};

function versionFinding({ gitVersion, major, minor }: z.infer<typeof versionSchema>) {
  const number = Number.parseInt(minor, 10); // some write "28+"
  if (major === "1" && number >= known.oldest) return ok(`Kubernetes ${gitVersion} (tested with 1.${known.tested})`);
  return warning(
    `Kubernetes ${gitVersion} is older than 1.${known.oldest}, of which the hub needs EndpointSlices and certificates`,
    `use a cluster of 1.${known.oldest} or newer; 1.${known.tested} is tested`,
  );
}
