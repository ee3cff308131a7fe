import { sha256Hex } from "../identity/spki_hash.ts";
import { isPassing, type JsonApi, messageOf } from "../identity/json_api.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { type ClusterFacts, reviewSigningRequest } from "./review_signing_request.ts";
import { type SigningRequest, signingRequestSchema } from "./signing_request.ts";

/** The collection of CertificateSigningRequests. */
export const signingRequestsPath = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

export interface CsrApproverOptions {
  readonly api: JsonApi;
  readonly facts: ClusterFacts;
  /** Lists and watches for a while, again and again: what was refused is then judged anew. */
  readonly requests: () => AsyncIterable<unknown>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** After what fails, or ends too soon; doubling, with jitter. */
const retryMs = { first: 1_000, most: 60_000 };
/** A round that took this long went well: the next one begins at once. */
const settledMs = 10_000;
/** Refusals that were told; past it they are told again. */
const maxTold = 1_000;

/** Approves requests for certificates of nodes until the signal is aborted. Rejects with the signal's reason. */
export async function approveSigningRequests(options: CsrApproverOptions): Promise<never> {
  const { requests, clock, random, logger, signal } = options;
  const approver = new CsrApprover(options);
  let delayMs = retryMs.first;
  for (;;) {
    const startedAt = clock.monotonic();
    let failed = false;
    try {
      for await (const object of requests()) await approver.judge(object);
    } catch (error) {
      signal.throwIfAborted();
      failed = true;
      logger.log("warn", "Certificate signing requests cannot be watched, trying again", { reason: String(error) });
    }
    signal.throwIfAborted();
    const isSettled = clock.monotonic() - startedAt >= settledMs;
    if (isSettled) delayMs = retryMs.first;
    if (isSettled && !failed) continue;
    await clock.sleep(delayMs * (0.5 + random.float() / 2), signal);
    delayMs = Math.min(delayMs * 2, retryMs.most);
  }
}

class CsrApprover {
  readonly #options: CsrApproverOptions;
  readonly #told = new Map<string, string>();

  constructor(options: CsrApproverOptions) {
    this.#options = options;
  }

  async judge(object: unknown): Promise<void> {
    const read = signingRequestSchema.safeParse(object);
    if (!read.success) return;
    const { metadata: { name }, status } = read.data;
    if (status.certificate !== undefined || (status.conditions ?? []).length > 0) return; // it was judged
    const { logger, facts, signal } = this.#options;
    try {
      const verdict = await reviewSigningRequest(read.data, facts);
      if (verdict.kind === "approve") await this.#approve(read.data);
      else if (verdict.kind === "refuse") await this.#refuse(read.data, verdict.reason);
    } catch (error) {
      signal.throwIfAborted();
      logger.log("warn", "A certificate signing request cannot be judged now", {
        request: name,
        reason: String(error),
      });
    }
  }

  async #approve(request: SigningRequest): Promise<void> {
    const { api, logger, signal } = this.#options;
    const { metadata: { name }, spec: { username, signerName } } = request;
    const condition = {
      type: "Approved",
      status: "True",
      reason: "AutoApproved",
      message: "holdfast: requester, names and Node agree",
    };
    const answer = await api({
      method: "PUT",
      path: `${signingRequestsPath}/${encodeURIComponent(name)}/approval`,
      body: {
        ...request,
        apiVersion: "certificates.k8s.io/v1",
        kind: "CertificateSigningRequest",
        status: { ...request.status, conditions: [condition] },
      },
      signal,
    });
    // Another approver was faster, or it is gone.
    if (answer.status === 409 || answer.status === 404) return;
    if (answer.status !== 200) throw new Error(`its approval was answered with ${messageOf(answer)}`);
    logger.log("info", "A certificate signing request is approved", {
      request: name,
      signer: signerName,
      requester: username,
    });
  }

  /** It stays as it is: somebody may approve it by hand. */
  async #refuse(request: SigningRequest, reason: string): Promise<void> {
    const { metadata: { name, uid }, spec: { username, signerName } } = request;
    if (this.#told.get(uid) === reason) return;
    if (this.#told.size >= maxTold) this.#told.clear();
    this.#options.logger.log("warn", "A certificate signing request is not approved", {
      request: name,
      signer: signerName,
      requester: username,
      reason,
    });
    await this.#tell(request, reason);
    this.#told.set(uid, reason);
  }

  async #tell({ metadata: { name, uid } }: SigningRequest, reason: string): Promise<void> {
    const { api, clock, signal } = this.#options;
    const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
    const hash = await sha256Hex(new TextEncoder().encode(`${uid} ${reason}`));
    const body = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name}.${hash.slice("sha256:".length, "sha256:".length + 16)}`, namespace: "default" },
      involvedObject: { apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", name, uid },
      type: "Warning",
      reason: "NotApproved",
      message: `Not approved by holdfast: ${reason}`.slice(0, 1024),
      source: { component: "holdfast-controller" },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    const answer = await api({ method: "POST", path: "/api/v1/namespaces/default/events", body, signal });
    if (answer.status !== 201 && answer.status !== 409) {
      throw new Error(
        `its event was answered with ${messageOf(answer)}${
          isPassing(answer) ? "" : " (see deploy/rbac/controller.yaml)"
        }`,
      );
    }
  }
}
