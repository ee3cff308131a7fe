/** Which cluster it is: whoever says something else is another one (design, section 4, Epoch). */
export interface ClusterIdentity {
  /** `sha256:<hex>` of the keys of the CA certificates that API servers are verified against; empty for the system's CAs. */
  readonly caHashes: readonly string[];
  /** Who issues its service account tokens; missing until an API server has told. */
  readonly issuer?: string;
}

/** What a KnownCluster begins with. */
export interface KnownClusterOptions {
  /** What was known before; missing for a hub that never had a cluster. */
  readonly known?: ClusterIdentity;
  /** Of the CA that is trusted now. */
  readonly caHashes: readonly string[];
  /** Called with what has to be kept, when something was learnt. */
  readonly learnt: (identity: ClusterIdentity) => void;
}

/** The cluster that this node belongs to: learnt from the first API server that tells, and held to from then on. */
export class KnownCluster {
  readonly #learnt: (identity: ClusterIdentity) => void;
  #trusted: readonly string[];
  #identity: ClusterIdentity | undefined;

  constructor({ known, caHashes, learnt }: KnownClusterOptions) {
    this.#identity = known;
    this.#trusted = caHashes;
    this.#learnt = learnt;
  }

  get identity(): ClusterIdentity | undefined {
    return this.#identity;
  }

  /** The CA that is trusted has changed: the files were read again. */
  trust(caHashes: readonly string[]): void {
    this.#trusted = caHashes;
  }

  /**
   * Compares what an API server that the trusted CA vouches for says of itself, and learns what was not known.
   *
   * @param issuer missing where it does not tell
   * @returns in words why it belongs to another cluster; nothing where it may be ours
   */
  check(issuer: string | undefined): string | undefined {
    const known = this.#identity;
    const trusted = this.#trusted;
    // While a CA is replaced both are trusted: as long as one of them was known the cluster is the same.
    if (known !== undefined && known.caHashes.length > 0 && trusted.length > 0) {
      if (!trusted.some((hash) => known.caHashes.includes(hash))) {
        return `its CA is ${trusted.join(", ")}, the known cluster's is ${known.caHashes.join(", ")}`;
      }
    }
    if (issuer !== undefined && known?.issuer !== undefined && issuer !== known.issuer) {
      return `its tokens are issued by ${issuer}, the known cluster's by ${known.issuer}`;
    }
    this.#learn({ caHashes: trusted, issuer: issuer ?? known?.issuer });
    return undefined;
  }

  #learn({ caHashes, issuer }: { readonly caHashes: readonly string[]; readonly issuer: string | undefined }): void {
    const known = this.#identity;
    if (known !== undefined && known.issuer === issuer && known.caHashes.join() === caHashes.join()) return;
    this.#identity = { caHashes, ...(issuer === undefined ? {} : { issuer }) };
    this.#learnt(this.#identity);
  }
}
