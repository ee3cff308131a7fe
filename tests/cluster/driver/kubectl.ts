import { spawn } from "node:child_process";
import { Child } from "./child.ts";

export interface KubectlTarget {
  /** The Kubernetes program. */
  readonly program: string;
  /** Kept apart per target, so that discovery of one is never used for another. */
  readonly cacheDir: string;
  /** `http://127.0.0.1:PORT` of a hub… */
  readonly server?: string;
  /** …or a file. */
  readonly kubeconfig?: string;
}

export interface KubectlResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunKubectlOptions {
  readonly stdin?: string | Uint8Array;
  /** @default {20_000} */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** kubectl against one server. */
export interface Kubectl {
  /** @throws Error where it takes too long; a failed command is a result like any other */
  run(args: readonly string[], options?: RunKubectlOptions): Promise<KubectlResult>;
  /** As `run`; a failed command is an error with its output. @returns stdout */
  ok(args: readonly string[], options?: RunKubectlOptions): Promise<string>;
  /** Starts a command that stays (`get -w`, `logs -f`, `port-forward`), with its output in a file. */
  start(args: readonly string[], logFile: string, env?: Readonly<Record<string, string>>): Child;
  /** What a person would type. */
  readonly commandLine: string;
}

export function kubectl(target: KubectlTarget): Kubectl {
  const base = baseArgs(target);
  const run: Kubectl["run"] = (args, options = {}) => runOnce(target.program, [...base, ...args], options);
  return {
    run,
    async ok(args, options) {
      const result = await run(args, options);
      if (result.code === 0) return result.stdout;
      throw new Error(`kubectl ${args.join(" ")} ended with ${result.code}: ${result.stderr}${result.stdout}`);
    },
    start: (args, logFile, env = {}) =>
      new Child({ name: `kubectl ${args.join(" ")}`, program: target.program, args: [...base, ...args], logFile, env }),
    commandLine: [target.program, ...base.filter((arg) => !arg.startsWith("--cache-dir"))].join(" "),
  };
}

function baseArgs({ cacheDir, server, kubeconfig }: KubectlTarget): string[] {
  const where = server === undefined
    ? [`--kubeconfig=${kubeconfig ?? "/dev/null"}`]
    : ["--kubeconfig=/dev/null", `--server=${server}`];
  return ["kubectl", ...where, `--cache-dir=${cacheDir}`];
}

function runOnce(program: string, args: readonly string[], options: RunKubectlOptions): Promise<KubectlResult> {
  const { stdin, timeoutMs = 20_000, env = {} } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    const output = { stdout: "", stderr: "" };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(
        new Error(
          `kubectl ${args.slice(1).join(" ")} took over ${timeoutMs} ms; its output: ${JSON.stringify(output)}`,
        ),
      );
    }, timeoutMs);
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.setEncoding("utf8").on("data", (text: string) => output[name] += text);
    }
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, ...output });
    });
    child.stdin?.on("error", () => child.stdin?.destroy());
    child.stdin?.end(stdin);
  });
}
