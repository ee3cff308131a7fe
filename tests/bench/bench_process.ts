import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

export interface StartProcessOptions {
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
}

/** How long anything may take to say what it is waited for. */
const waitMs = 60_000;

/** A process of the bench, with lines to say to it and texts to wait for. */
export class BenchProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #command: string;
  #output = "";
  #look: () => void = () => undefined;
  #ended = false;

  constructor({ command: [command, ...args], environment = {} }: StartProcessOptions) {
    this.#command = [command, ...args].join(" ");
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...environment } });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on("data", (chunk: Uint8Array) => {
        this.#output += chunk.toString();
        this.#look();
      });
    }
    this.#child.stdin.on("error", () => undefined); // it has ended: `appears` says so
    const kill = () => void this.#child.kill("SIGKILL"); // whatever ends the bench ends its processes
    process.once("exit", kill);
    this.#child.once("close", () => {
      process.off("exit", kill);
      this.#ended = true;
      this.#look();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /**
   * Waits for a text of its output, and takes the output up to there away.
   *
   * @throws where it ends, or says nothing of that kind within a minute
   */
  appears(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        this.#look = () => undefined;
        end();
      };
      const fail = (what: string) => settle(() => reject(new Error(`${this.#command} ${what}: ${this.#output}`)));
      const timer = setTimeout(() => fail(`has not said ${pattern}`), waitMs);
      this.#look = () => {
        const found = pattern.exec(this.#output);
        if (found === null) {
          if (this.#ended) fail("has ended");
          return;
        }
        this.#output = this.#output.slice(found.index + found[0].length);
        settle(() => resolve(found));
      };
      this.#look();
    });
  }

  /** @param signal SIGKILL for what a power loss would leave */
  async end(signal: "SIGTERM" | "SIGKILL" = "SIGKILL"): Promise<void> {
    if (this.#ended) return;
    const closed = once(this.#child, "close");
    this.#child.kill(signal);
    await closed;
  }
}
