import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Child } from "./child.ts";
import type { Cluster } from "./cluster.ts";

const PROJECT: string = join(import.meta.dirname, "..", "..", "..");
const RBAC: string = join(PROJECT, "deploy", "rbac", "controller.yaml");

/** Starts `holdfast controller` as the service account of `deploy/rbac/controller.yaml`, with exactly its rights. */
export async function startController(cluster: Cluster, name = "controller"): Promise<Child> {
  await cluster.direct.ok(["apply", "-f", RBAC]);
  const token = (await cluster.direct.ok(["create", "token", "holdfast-controller", "-n", "kube-system"])).trim();
  const kubeconfig = cluster.file(`${name}.kubeconfig`);
  const ca = Buffer.from(readFileSync(cluster.file("ca.crt"))).toString("base64");
  const server = `https://127.0.0.1:${cluster.apiPort}`;
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      "current-context": "c",
      clusters: [{ name: "c", cluster: { server, "certificate-authority-data": ca } }],
      users: [{ name: "u", user: { token } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    }),
    { mode: 0o600 },
  );
  const runtime = process.env["HOLDFAST_RUNTIME"] || "bun";
  const run = runtime === "deno" ? ["run", "-A"] : [];
  const controller = new Child({
    name,
    program: join(PROJECT, "node_modules", ".bin", runtime),
    args: [
      ...run,
      `adapters/${runtime}/main.ts`,
      "controller",
      "--controllers=csrapproving",
      `--kubeconfig=${kubeconfig}`,
    ],
    logFile: cluster.file(`${name}.log`),
    cwd: PROJECT,
  });
  await controller.waitUntil(
    "the controller to run",
    20_000,
    () => controller.log().includes("Controller runs") || undefined,
  );
  return controller;
}
