/**
 * Tells whether a certificate was signed by one of these CAs, or through certificates that follow it. Dates and names do not
 * count.
 *
 * @param chain PEM, the certificate first
 * @param bundle PEM of the CAs
 */
export type IsIssuedBy = (chain: string, bundle: string) => boolean;
