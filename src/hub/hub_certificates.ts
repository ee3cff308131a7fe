import type { Metrics } from "../platform/metrics.ts";
import { type Check, informationalCheck } from "./readiness_check.ts";

/** A certificate of the node, as it stands now. */
export interface CertificateStatus {
  /** Why there is none, or only an expired one, and what to do; nothing where it serves. */
  readonly failure: () => string | undefined;
  /** Milliseconds since 1970; nothing where there is none. */
  readonly expiresAt: () => number | undefined;
}

/** The certificates of a hub. */
export interface HubCertificates {
  /** Towards the cloud. */
  readonly client: CertificateStatus;
  /** Of the HTTPS port. */
  readonly serving: CertificateStatus;
  /** Why pods do not believe the serving certificate, as far as it is known; nothing where they do. */
  readonly servingDistrusted: () => string | undefined;
  /** Takes a join token for a new certificate; missing where the hub does not keep its own. @param token a well-formed one */
  readonly takeJoinToken?: (token: string) => void;
}

/** What `/readyz` tells of them: without them a hub serves all the same. */
export function certificateChecks({ client, serving, servingDistrusted }: HubCertificates): readonly Check[] {
  const distrusted = servingDistrusted();
  return [
    certificateCheck("client-certificate", client.failure()),
    certificateCheck("serving-certificate", serving.failure()),
    informationalCheck(
      "serving-certificate-believed",
      distrusted === undefined ? undefined : `not known to be: ${distrusted}`,
    ),
  ];
}

function certificateCheck(name: string, failure: string | undefined): Check {
  return informationalCheck(name, failure === undefined ? undefined : `is not there: ${failure}`);
}

export function declareCertificateMetrics(
  { client, serving, servingDistrusted }: HubCertificates,
  metrics: Metrics,
): void {
  metrics.gauge(
    "holdfast_certificate_expiration_timestamp_seconds",
    "When a certificate of the node expires, in seconds since 1970; missing where there is none",
    ["certificate"],
    () =>
      Object.entries({ client, serving }).flatMap(([certificate, { expiresAt }]) => {
        const atMs = expiresAt();
        return atMs === undefined ? [] : [{ value: atMs / 1_000, labels: { certificate } }];
      }),
  );
  metrics.gauge(
    "holdfast_serving_certificate_believed",
    "Whether pods are known to believe the serving certificate",
    [],
    () => [{ value: servingDistrusted() === undefined ? 1 : 0 }],
  );
}
