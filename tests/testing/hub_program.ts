import { writeFile } from "node:fs/promises";
import { clock } from "../../adapters/shared/clock.ts";
import { createListen } from "../../adapters/shared/listener.ts";
import { random } from "../../adapters/shared/random.ts";
import { createDemoApiServer, type DemoApiServer } from "../../src/demo/api_server.ts";
import { seedSampleCluster } from "../../src/demo/sample_cluster.ts";
import type { Listener } from "../../src/platform/listener.ts";
import { type Authority, createAuthority } from "./certificates.ts";
import { kubeconfigText } from "./kubeconfig_text.ts";
import { type ChildProgram, commandOf, runtime, startCommand } from "./child_program.ts";
import { withTempFolder } from "./temp_folder.ts";

/** The command on the runtime that runs the tests. */
const main = new URL(`../../adapters/${runtime}/main.ts`, import.meta.url);

export interface ProgramCloud {
  readonly server: DemoApiServer;
  readonly listener: Listener;
  /** Common names of the client certificates that came with requests for pods; empty where none came. */
  readonly callers: string[];
  readonly kubeconfig: string;
  /** PEM. */
  readonly ca: string;
  /** Whose CA that is. */
  readonly authority: Authority;
  readonly folder: string;
  /** Hubs that were started; killed after the test. */
  readonly programs: ChildProgram[];
  /** Listens again, on the same port, after the listener was closed. */
  heal(): Promise<void>;
  /** Writes the kubeconfig again, with a certificate for this name. */
  issue(commonName: string): Promise<void>;
}

/** A cloud that speaks TLS and looks at client certificates, and a kubeconfig for it. */
export function withCloud(run: (cloud: ProgramCloud) => Promise<void>): Promise<void> {
  return withTempFolder(async (folder) => {
    const authority = await createAuthority();
    const tls = await authority.issue({ commonName: "kube-apiserver", names: ["127.0.0.1", "localhost"] });
    const server = createDemoApiServer({ clock, random });
    seedSampleCluster(server.objects, clock.now());
    const callers: string[] = [];
    const programs: ChildProgram[] = [];
    const listen = (port: number) =>
      createListen({})(
        { hostname: "127.0.0.1", port, tls: { ...tls, clientCa: authority.caPem } },
        (request, exchange) => {
          if (exchange.rawPath.includes("pods")) callers.push(exchange.peer.certificate?.commonName ?? "");
          return server.handle(request, exchange);
        },
      );
    const listener = await listen(0);
    const { port } = listener; // a closed one has none
    let healed: Listener | undefined;
    const heal = async (): Promise<void> => {
      healed = await listen(port);
    };
    const kubeconfig = `${folder}/kubeconfig`;
    const issue = async (commonName: string): Promise<void> => {
      const { cert, key } = await authority.issue({ commonName });
      await writeFile(kubeconfig, kubeconfigText({ port: listener.port, ca: authority.caPem, cert, key }));
    };
    await issue("system:node:node-1");
    try {
      await run({
        server,
        listener,
        callers,
        kubeconfig,
        ca: authority.caPem,
        authority,
        folder,
        programs,
        issue,
        heal,
      });
    } finally {
      for (const { child } of programs) child.kill("SIGKILL");
      server.close();
      await listener.close(0);
      await healed?.close(0);
    }
  });
}

/** Starts `holdfast hub`, on free ports, with its state in `<folder>/state`. */
export function startHub(cloud: ProgramCloud, flags: readonly string[] = []): ChildProgram {
  const program = startCommand(hubWords(cloud, flags), { NODE_NAME: "node-1" });
  cloud.programs.push(program);
  return program;
}

/** The words that start a hub. */
export function hubWords(
  { listener, kubeconfig, folder }: ProgramCloud,
  flags: readonly string[],
): readonly [string, ...string[]] {
  return commandOf(main, [
    "hub",
    `--server-addr=127.0.0.1:${listener.port}`,
    `--kubeconfig=${kubeconfig}`,
    `--root-dir=${folder}/state`,
    "--proxy-port=0",
    "--serve-port=0",
    "--proxy-secure-port=0",
    "--enable-dummy-if=false",
    ...flags,
  ]);
}

/** Waits for the line that tells where the hub listens. */
export async function addresses(program: ChildProgram): Promise<{ readonly proxy: string; readonly status: string }> {
  await program.waitForError("Hub listens");
  const [, proxy = "", status = ""] = /proxy=(\S+) status=(\S+)/.exec(program.errors()) ?? [];
  return { proxy, status };
}

/** The words that start `holdfast` with these arguments. */
export function holdfastWords(...args: readonly string[]): readonly [string, ...string[]] {
  return commandOf(main, args);
}

/** Runs `holdfast` with these arguments to its end. */
export async function holdfast(...args: readonly string[]): Promise<CommandResult> {
  const program = startCommand(holdfastWords(...args));
  const { exitCode, stderr } = await program.ended;
  return { exitCode, stdout: program.output(), stderr };
}

export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
