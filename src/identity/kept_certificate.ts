import type { Clock } from "../platform/clock.ts";
import type { FileSystem } from "../platform/files.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import {
  type HeldCertificate,
  type PendingRequest,
  readCertificate,
  readPending,
  writeCertificate,
  writePending,
} from "./certificate_file.ts";
import { certificateMembers } from "./certificate_members.ts";
import { makeCertificateRequest } from "./certificate_request.ts";
import { type CertificateTemplate, templateText } from "./certificate_template.ts";
import { IdentityError } from "./identity_error.ts";
import type { JsonApi } from "./json_api.ts";
import { certificatesOf, pemBlocks } from "./pem.ts";
import { sha256Hex } from "./spki_hash.ts";
import { awaitCertificate, RequestEndedError } from "./signing_request.ts";
import { bytesEqual } from "../kube/raw_json.ts";
import { derElements } from "./der.ts";

export interface KeptCertificateOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** `<path>-current.pem` has certificate and key, `<path>-pending.pem` what was asked for and not given yet. */
  readonly path: string;
  /** What is to be asked for now. @throws IdentityError */
  readonly template: (signal: AbortSignal) => Promise<CertificateTemplate> | CertificateTemplate;
  /** Whom to ask, with which credential. @throws IdentityError */
  readonly api: () => JsonApi;
}

const firstRetryMs = 2_000;
const maxRetryMs = 30_000;
/** What no retry mends alone: somebody may have mended it. */
const hopelessRetryMs = 10 * 60_000;
/** The clock may jump, and what is wanted may change (a node's address): no timer waits for longer than this. */
const maxSleepMs = 60 * 60_000;

/** A certificate of this node: asked for, kept in a file, and renewed in time. */
export class KeptCertificate {
  readonly #options: KeptCertificateOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<() => void>();
  #current: HeldCertificate | undefined;
  #renewAt = 0;
  #failure = "it was not asked for yet";
  #logged = "";
  #wake = (): void => {};
  #running: Promise<void> = Promise.resolve();

  constructor(options: KeptCertificateOptions) {
    this.#options = options;
  }

  /** Reads the file. @throws FileError */
  async load(): Promise<void> {
    const { files } = this.#options;
    this.#hold(await readCertificate(files, this.currentPath));
  }

  get currentPath(): string {
    return `${this.#options.path}-current.pem`;
  }

  /** Also where it has expired. */
  get current(): HeldCertificate | undefined {
    return this.#current;
  }

  get expired(): boolean {
    return this.#current !== undefined && this.#options.clock.now() >= this.#current.notAfter;
  }

  /** Why there is none, or only an expired one; nothing where there is one. */
  get failure(): string | undefined {
    if (this.#current === undefined) return this.#failure;
    const { notAfter } = this.#current;
    return this.expired ? `it expired at ${new Date(notAfter).toISOString()}; ${this.#failure}` : undefined;
  }

  /** Called after each new one. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Asks for a new one and waits for it. @throws IdentityError, FileError; what the signal was aborted with */
  async obtain(signal: AbortSignal): Promise<void> {
    const { files, clock, api, logger } = this.#options;
    const template = await this.#options.template(signal);
    const pending = await this.#pending(template);
    this.#failure = `the request ${pending.name} waits for its approval: kubectl certificate approve ${pending.name}`;
    logger.log("info", "A certificate is asked for", { request: pending.name, signer: template.signerName });
    let text: string;
    try {
      text = await awaitCertificate(pending, template, { api: api(), clock, signal });
    } catch (error) {
      if (error instanceof RequestEndedError) await files.remove(this.#pendingPath);
      throw error;
    }
    const held = heldOf(text, { pending, now: clock.now() });
    await writeCertificate(files, this.currentPath, held);
    await files.remove(this.#pendingPath);
    this.#hold(held);
    logger.log("info", "A certificate has come", {
      request: pending.name,
      expires: new Date(held.notAfter).toISOString(),
      renewed: new Date(this.#renewAt).toISOString(),
    });
    for (const listener of this.#listeners) listener();
  }

  /** From now on it is asked for and renewed by itself. */
  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#closing.signal.aborted) throw error;
    });
  }

  /** Where it waits before another try it tries at once: what was in its way may be gone. */
  tryNow(): void {
    this.#wake();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("The hub closes"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#closing;
    let retryMs = firstRetryMs;
    for (;;) {
      const dueMs = this.#renewAt - clock.now();
      if (this.#current !== undefined && dueMs > 0 && !await this.#isOutdated(signal)) {
        await this.#sleep(Math.min(dueMs, maxSleepMs));
        continue;
      }
      try {
        await this.obtain(signal);
        retryMs = firstRetryMs;
        this.#logged = "";
      } catch (error) {
        signal.throwIfAborted();
        this.#failed(error);
        if (error instanceof IdentityError && !error.retryable) retryMs = hopelessRetryMs;
        const slept = await this.#sleep(retryMs * (0.5 + random.float() / 2));
        retryMs = slept ? Math.min(retryMs * 2, maxRetryMs) : firstRetryMs;
      }
    }
  }

  /** @returns false where it was woken before its time */
  #sleep(delayMs: number): Promise<boolean> {
    const { signal } = this.#closing;
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        timer.cancel();
        signal.removeEventListener("abort", abort);
        this.#wake = () => {};
        settle();
      };
      const abort = (): void => end(() => reject(signal.reason));
      const timer = this.#options.clock.setTimer(delayMs, () => end(() => resolve(true)));
      this.#wake = () => end(() => resolve(false));
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort);
    });
  }

  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    // Once, however often it is tried.
    if (reason !== this.#logged) {
      this.#options.logger.log("warn", "A certificate cannot be had yet", { path: this.currentPath, reason });
    }
    this.#failure = this.#logged = reason;
  }

  #hold(held: HeldCertificate | undefined): void {
    this.#current = held;
    if (held === undefined) return;
    // Spread, so that nodes that joined together do not renew together.
    const share = 0.7 + 0.2 * this.#options.random.float();
    this.#renewAt = held.arrivedAt + share * (held.notAfter - held.arrivedAt);
  }

  get #pendingPath(): string {
    return `${this.#options.path}-pending.pem`;
  }

  /** A request that was sent before a restart is gone on with: the cluster gets no heap of them. */
  async #pending(template: CertificateTemplate): Promise<PendingRequest> {
    const { files } = this.#options;
    const wanted = templateText(template);
    const found = await readPending(files, this.#pendingPath);
    if (found?.wanted === wanted) return found;
    const { request, key } = await makeCertificateRequest(template);
    const hash = await sha256Hex(new TextEncoder().encode(request));
    const pending = { name: `holdfast-${hash.slice("sha256:".length, "sha256:".length + 32)}`, request, key, wanted };
    await writePending(files, this.#pendingPath, pending);
    return pending;
  }

  /** Whether another certificate is wanted than the one that is held. */
  async #isOutdated(signal: AbortSignal): Promise<boolean> {
    try {
      return this.#current?.wanted !== templateText(await this.#options.template(signal));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof IdentityError)) this.#failed(error);
      return false; // what is wanted cannot be told now
    }
  }
}

function heldOf(
  text: string,
  { pending, now }: { readonly pending: PendingRequest; readonly now: number },
): HeldCertificate {
  const { key, wanted, name, request } = pending;
  const cert = certificatesOf(text);
  try {
    const { publicKey, notAfter } = certificateMembers(pemBlocks(cert)[0]?.der ?? new Uint8Array());
    if (bytesEqual(publicKey, publicKeyOf(request))) return { cert, key, notAfter, arrivedAt: now, wanted };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new IdentityError(`The certificate of ${name} does not belong to its key`, { retryable: false });
}

/** Of a certification request (RFC 2986, section 4): version, subject, subjectPKInfo. */
function publicKeyOf(request: string): Uint8Array {
  const [outer] = derElements(pemBlocks(request)[0]?.der ?? new Uint8Array());
  const [information] = derElements(outer?.content ?? new Uint8Array());
  const [, , publicKey] = derElements(information?.content ?? new Uint8Array());
  return publicKey?.bytes ?? new Uint8Array();
}
