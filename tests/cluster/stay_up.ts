import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Scene, startScene } from "./driver/scene.ts";

/** Starts a cluster with a relay, a hub and a node behind the hub, says how to use them and stays until SIGINT or SIGTERM. */
export async function stayUp(): Promise<void> {
  const scene = await startScene({
    hub: existsSync(join(import.meta.dirname, "../../adapters/bun/main.ts")),
    node: true,
  });
  console.log(usage(scene));
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve).once("SIGTERM", resolve);
    readKeys(scene, resolve);
  });
  console.log("stopping");
  await scene.stop();
  process.exit(0);
}

function usage({ cluster, relay, hub, node }: Scene): string {
  const lines = [
    `cluster   ${cluster.dir} (logs of its parts: *.log)`,
    `direct    ${cluster.direct.commandLine}`,
    `relay     127.0.0.1:${relay.port} in front of the API server at 127.0.0.1:${cluster.apiPort}`,
  ];
  if (hub) {
    lines.push(
      `hub       ${cluster.kubectlAt(hub.url).commandLine}    (as the node; log: ${hub.logFile})`,
      `status    http://127.0.0.1:${hub.servePort}/v1/status`,
    );
  }
  if (node) lines.push(`node      ${node.name} behind the hub, log: ${node.logFile}`);
  lines.push("keys      c cuts and heals the link (refuse), s makes it silent (swallow) and heals it, q stops");
  return lines.join("\n");
}

function readKeys(scene: Scene, stop: () => void): void {
  const { stdin } = process;
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.setEncoding("utf8").on("data", (keys: string) => {
    for (const key of keys) {
      if (key === "q" || key === "\u0003") stop();
      else if (key === "c") void toggle(scene, "refuse");
      else if (key === "s") void toggle(scene, "swallow");
    }
  });
}

async function toggle({ relay }: Scene, cut: "refuse" | "swallow"): Promise<void> {
  await relay.setMode(relay.mode === "pass" ? cut : "pass");
  console.log(`link: ${relay.mode}`);
}
