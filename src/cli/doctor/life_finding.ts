import type { CertificateMembers } from "../../identity/certificate_members.ts";
import { humanDuration } from "../../kube/table/human_duration.ts";
import { failed, type Finding, warning } from "./finding.ts";

/** Who renews it, hub or kubelet, does so before that is left: then something keeps it from it. */
const lastShare = 0.1;

export interface LifeOptions {
  /** As the sentence begins. */
  readonly what: string;
  readonly now: number;
  readonly advice: string;
}

/** What is wrong with the time that a certificate is for; nothing where it serves for a while. */
export function lifeFinding(
  { notBefore, notAfter }: Pick<CertificateMembers, "notBefore" | "notAfter">,
  { what, now, advice }: LifeOptions,
): Finding | undefined {
  if (now >= notAfter) return failed(`${what} expired at ${iso(notAfter)}`, advice);
  if (now < notBefore) {
    return failed(
      `${what} is not valid before ${iso(notBefore)}`,
      "see this machine's clock: it is behind the signer's",
    );
  }
  const leftMs = notAfter - now;
  if (leftMs >= lastShare * (notAfter - notBefore)) return undefined;
  return warning(`${what} expires in ${humanDuration(leftMs)}, and nobody has renewed it`, advice);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
