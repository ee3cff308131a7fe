import { z } from "zod";
import type { Clock } from "../platform/clock.ts";
import type { PendingRequest } from "./certificate_file.ts";
import type { CertificateTemplate } from "./certificate_template.ts";
import { IdentityError } from "./identity_error.ts";
import { isPassing, type JsonAnswer, type JsonApi, messageOf } from "./json_api.ts";

const collection = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

const requestSchema = z.object({
  spec: z.object({ request: z.string(), signerName: z.string() }),
  status: z.object({
    certificate: z.string().optional(),
    conditions: z.array(z.object({
      type: z.string(),
      reason: z.string().optional(),
      message: z.string().optional(),
    })).nullish(),
  }).optional(),
});

export interface SigningOptions {
  readonly api: JsonApi;
  readonly clock: Clock;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

const firstPollMs = 250;
const maxPollMs = 30_000;

/**
 * Sends a request for a certificate, which may have been sent before, and waits until it is signed: for as long as the
 * cluster keeps it, for somebody may have to approve it by hand.
 *
 * @returns the certificate, PEM
 * @throws IdentityError: not retryable where it was denied or the API server does not take it
 */
export async function awaitCertificate(
  pending: PendingRequest,
  template: CertificateTemplate,
  options: SigningOptions,
): Promise<string> {
  const { api, clock, signal } = options;
  await submit(pending, template, options);
  for (let delayMs = firstPollMs;; delayMs = Math.min(delayMs * 2, maxPollMs)) {
    const answer = await api({ method: "GET", path: `${collection}/${pending.name}`, signal });
    if (answer.status === 404) throw new RequestEndedError(`The request ${pending.name} is gone`, { retryable: true });
    if (answer.status !== 200) throw notTaken(answer);
    const certificate = certificateOf(answer, pending);
    if (certificate !== undefined) return certificate;
    await clock.sleep(delayMs, signal);
  }
}

async function submit(
  { name, request }: PendingRequest,
  { signerName, usages }: CertificateTemplate,
  { api, signal }: SigningOptions,
): Promise<void> {
  const body = {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name },
    spec: { request: btoa(request), signerName, usages },
  };
  const answer = await api({ method: "POST", path: collection, body, signal });
  // The name is made of the key: what is there under it was sent by us.
  if (answer.status !== 201 && answer.status !== 409) throw notTaken(answer);
}

function certificateOf(answer: JsonAnswer, { name, request }: PendingRequest): string | undefined {
  const read = requestSchema.safeParse(answer.object);
  if (!read.success) throw notTaken(answer);
  const { spec, status } = read.data;
  if (spec.request !== btoa(request)) {
    throw new RequestEndedError(`The request ${name} of the cluster is another one`, { retryable: true });
  }
  const refusal = status?.conditions?.find(({ type }) => type === "Denied" || type === "Failed");
  if (refusal !== undefined) {
    const { type, reason = "", message = "" } = refusal;
    const how = type === "Denied" ? "was denied" : "could not be signed";
    const told = `${reason} ${message}`.trim();
    throw new RequestEndedError(`The certificate signing request ${name} ${how}: ${told}`, { retryable: false });
  }
  const certificate = status?.certificate;
  return certificate === undefined || certificate === "" ? undefined : atob(certificate);
}

function notTaken(answer: JsonAnswer): IdentityError {
  return new IdentityError(`Cannot ask for a certificate: the API server answered ${messageOf(answer)}`, {
    retryable: isPassing(answer) || answer.status === 401,
  });
}

/** The request has come to nothing: the next one is a new one. */
export class RequestEndedError extends IdentityError {}
