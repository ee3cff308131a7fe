import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { waitFor, within } from "./wait.ts";

const READY_LIMIT_MS = 40_000;
const CONTROL_LIMIT_MS = 10_000;

/** Of several API servers the second is `apiserver-2`. */
export type PartName = "etcd" | "apiserver" | `apiserver-${number}` | "controller-manager";

/** The processes of a control plane, which a test may end, hold and start again one by one (tests/cluster/kube/control.go). */
export class ClusterParts {
  readonly #dir: string;
  readonly #isReady: () => Promise<boolean>;

  constructor(options: { readonly dir: string; readonly isReady: () => Promise<boolean> }) {
    this.#dir = options.dir;
    this.#isReady = options.isReady;
  }

  /** Resolves when the process has ended. */
  async stop(name: PartName): Promise<void> {
    await this.#ask(`/parts/${name}/stop`);
  }

  /** SIGKILL. Resolves when the process has ended. */
  async kill(name: PartName): Promise<void> {
    await this.#ask(`/parts/${name}/kill`);
  }

  /** Resolves when the process runs; whether it is ready is another question. */
  async start(name: PartName): Promise<void> {
    await this.#ask(`/parts/${name}/start`);
  }

  /** Waits until the API server says that it is ready. */
  async waitForApiServer(): Promise<void> {
    await waitFor("the API server to be ready", READY_LIMIT_MS, this.#isReady);
  }

  /** Holds a process, so that nothing of it changes anything. It is let go when the cluster ends. */
  hold(name: PartName): void {
    process.kill(this.#pid(name), "SIGSTOP");
  }

  release(name: PartName): void {
    process.kill(this.#pid(name), "SIGCONT");
  }

  #pid(name: PartName): number {
    return Number(readFileSync(join(this.#dir, `${name}.pid`), "utf8"));
  }

  #ask(path: string): Promise<void> {
    const answer = new Promise<void>((resolve, reject) => {
      const outgoing = request({ socketPath: join(this.#dir, "control.sock"), method: "POST", path }, (incoming) => {
        let text = "";
        incoming.setEncoding("utf8").on("data", (part: string) => text += part).on("error", reject).on("end", () => {
          if (incoming.statusCode === 200) resolve();
          else reject(new Error(`${path}: ${incoming.statusCode} ${text}`));
        });
      });
      outgoing.on("error", reject).end();
    });
    return within(answer, CONTROL_LIMIT_MS, path);
  }
}
