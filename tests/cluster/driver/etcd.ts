import { cpSync, existsSync, rmSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { ClusterParts } from "./cluster_parts.ts";
import { within } from "./wait.ts";

const ANSWER_LIMIT_MS = 10_000;

/** etcd below the API server: what an operator, or its owner's bad day, does to it. */
export class Etcd {
  readonly #dir: string;
  readonly #port: number;
  readonly #parts: ClusterParts;

  constructor(options: { readonly dir: string; readonly port: number; readonly parts: ClusterParts }) {
    this.#dir = options.dir;
    this.#port = options.port;
    this.#parts = options.parts;
  }

  /** Its revision now, which is the newest resourceVersion. */
  async revision(): Promise<string> {
    const { header } = await this.#ask("/v3/kv/range", { key: Buffer.from("/").toString("base64"), limit: "1" });
    return header.revision;
  }

  /** Forgets all that was before now. What the API server has in its watch caches stays there. */
  async compact(): Promise<void> {
    await this.#ask("/v3/kv/compaction", { revision: await this.revision(), physical: true });
  }

  /**
   * Forgets all that was before now, in the API server too: it is started anew. A watch from an earlier version is 410 then.
   */
  async compactAndForget(): Promise<void> {
    await this.#parts.kill("apiserver");
    await this.compact();
    await this.#parts.start("apiserver");
    await this.#parts.waitForApiServer();
  }

  /** Keeps a copy of everything for `restore`. The API server is started anew. */
  async copy(): Promise<void> {
    await this.#stopped(() => cpSync(this.#path, this.#copyPath, { recursive: true }));
  }

  /** Puts the copy back: versions count on from there, and mean other things than before. */
  async restore(): Promise<void> {
    if (!existsSync(this.#copyPath)) throw new Error("There is no copy of etcd to restore");
    // It has seen what is not any more, and would act on it.
    await this.#parts.stop("controller-manager");
    await this.#stopped(() => {
      rmSync(this.#path, { recursive: true });
      cpSync(this.#copyPath, this.#path, { recursive: true });
    });
    await this.#parts.start("controller-manager");
  }

  async #stopped(change: () => void): Promise<void> {
    await this.#parts.kill("apiserver");
    await this.#parts.stop("etcd");
    change();
    await this.#parts.start("etcd");
    await this.#parts.start("apiserver");
    await this.#parts.waitForApiServer();
  }

  get #path(): string {
    return join(this.#dir, "etcd");
  }

  get #copyPath(): string {
    return join(this.#dir, "etcd-copy");
  }

  /** etcd's own JSON gateway. */
  #ask(path: string, body: unknown): Promise<EtcdAnswer> {
    const answer = new Promise<EtcdAnswer>((resolve, reject) => {
      const outgoing = request(
        { host: "127.0.0.1", port: this.#port, method: "POST", path, agent: false },
        (incoming) => {
          let text = "";
          incoming.setEncoding("utf8").on("data", (part: string) => text += part).on("error", reject).on("end", () => {
            // Only the header is read, which every answer has.
            if (incoming.statusCode === 200) resolve(JSON.parse(text) as EtcdAnswer);
            else reject(new Error(`etcd ${path}: ${incoming.statusCode} ${text}`));
          });
        },
      );
      outgoing.on("error", reject).end(JSON.stringify(body));
    });
    return within(answer, ANSWER_LIMIT_MS, `etcd ${path}`);
  }
}

interface EtcdAnswer {
  readonly header: { readonly revision: string };
}
