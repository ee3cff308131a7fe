import { z } from "zod";
import type { IsIssuedBy } from "../platform/certificates.ts";
import type { Clock } from "../platform/clock.ts";
import type { FileSystem } from "../platform/files.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { IdentityError } from "./identity_error.ts";
import { type JsonApi, messageOf } from "./json_api.ts";

export interface ServingTrustOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly isIssuedBy: IsIssuedBy;
  /** Keeps what was read: a node that starts while it is cut off can tell as well. */
  readonly path: string;
  /** Asked as the node. */
  readonly api: JsonApi;
  /** The serving certificate, PEM. */
  readonly certificate: () => string | undefined;
  /** Called after each change of what pods believe. */
  readonly changed: () => void;
}

/** Every namespace has one; this one a node may read (deploy/rbac/hub.yaml). */
const configMapPath = "/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt";
const configMapSchema = z.object({ data: z.object({ "ca.crt": z.string().min(1) }) });
/** The cluster's CAs may be replaced. */
const readAgainMs = 60 * 60_000;
const retryMs = 30_000;
/** What a right that is missing costs the API server. */
const refusedRetryMs = 10 * 60_000;

/**
 * Whether pods, which believe the CAs of the ConfigMap `kube-root-ca.crt`, believe the serving certificate. Its signer may
 * have a CA of its own: then no pod can be led to the hub.
 */
export class ServingTrust {
  readonly #options: ServingTrustOptions;
  readonly #closing = new AbortController();
  #bundle = "";
  #unread = "it was not asked for yet";
  #judged: { readonly certificate: string; readonly bundle: string; readonly trusted: boolean } | undefined;
  #told: string | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ServingTrustOptions) {
    this.#options = options;
  }

  /** Takes what was read last. @throws FileError */
  async load(): Promise<void> {
    const { files, path } = this.#options;
    this.#bundle = new TextDecoder().decode(await files.read(path));
  }

  /** Why pods do not believe it, as far as it is known; nothing where they do. */
  get problem(): string | undefined {
    const certificate = this.#options.certificate();
    if (certificate === undefined) return "there is no certificate yet";
    const bundle = this.#bundle;
    if (bundle === "") return `the ConfigMap kube-system/kube-root-ca.crt cannot be read: ${this.#unread}`;
    if (this.#judged?.certificate !== certificate || this.#judged.bundle !== bundle) {
      this.#judged = { certificate, bundle, trusted: this.#options.isIssuedBy(certificate, bundle) };
    }
    if (this.#judged.trusted) return undefined;
    return "the CA that has signed it is not among those of kube-system/kube-root-ca.crt, which pods believe: " +
      "the CA of kube-controller-manager's --cluster-signing-cert-file belongs into its --root-ca-file";
  }

  /** From now on it is read, and again now and then. */
  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#closing.signal.aborted) throw error;
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("The hub closes"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    for (;;) {
      const before = this.problem;
      const delayMs = await this.#read();
      this.#tell();
      if (this.problem !== before) this.#options.changed();
      await clock.sleep(delayMs * (0.5 + random.float() / 2), this.#closing.signal);
    }
  }

  /** @returns after how long it is worth another try */
  async #read(): Promise<number> {
    const { api, files, path } = this.#options;
    const { signal } = this.#closing;
    try {
      const answer = await api({ method: "GET", path: configMapPath, signal });
      const bundle = configMapSchema.safeParse(answer.object).data?.data["ca.crt"];
      if (answer.status !== 200 || bundle === undefined) {
        this.#unread = messageOf(answer);
        return refusedRetryMs;
      }
      if (bundle !== this.#bundle) await files.writeAtomic(path, new TextEncoder().encode(bundle), { mode: 0o600 });
      this.#bundle = bundle;
      return readAgainMs;
    } catch (error) {
      signal.throwIfAborted();
      this.#unread = error instanceof Error ? error.message : String(error);
      if (!(error instanceof IdentityError)) {
        this.#options.logger.log("warn", "The CAs that pods believe cannot be kept", { path, reason: this.#unread });
      }
      return retryMs;
    }
  }

  /** Once, however often it is found. */
  #tell(): void {
    const { problem } = this;
    if (problem === this.#told || this.#options.certificate() === undefined) return;
    this.#told = problem;
    if (problem !== undefined) {
      this.#options.logger.log("warn", "It is not known that pods believe the serving certificate", {
        reason: problem,
      });
    }
  }
}
