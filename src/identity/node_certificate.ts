import type { FileSystem } from "../platform/files.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { clientTemplate, nodeUserPrefix } from "./certificate_template.ts";
import { provedCa } from "./cluster_info.ts";
import { IdentityError } from "./identity_error.ts";
import { checkNodeName, type CloudAccess, discoverCluster, refusedToken, withApi } from "./join_cluster.ts";
import type { JoinToken } from "./join_token.ts";
import { type JsonApi, messageOf } from "./json_api.ts";
import { KeptCertificate } from "./kept_certificate.ts";

/** With what a node joins. */
export interface Bootstrap {
  /** Proves cluster-info, and asks for the certificate; missing where a bootstrap file names another credential. */
  readonly joinToken?: JoinToken;
  /** The bearer token that asks for the certificate. */
  readonly token: string;
  /** PEM, of a bootstrap file; else the CA is read from cluster-info. */
  readonly ca?: string;
}

export interface NodeCertificateOptions extends CloudAccess {
  readonly files: FileSystem;
  readonly random: Random;
  readonly logger: Logger;
  /** Its `pki` has the certificate and the CA. */
  readonly rootDir: string;
  readonly nodeName: string;
  /** `--hub-cert-organizations` */
  readonly organizations: readonly string[];
  /** `sha256:<hex>` of keys of CAs; empty where they are not checked. */
  readonly caHashes: readonly string[];
  /** Missing where none was given: then the certificate must be there. */
  readonly bootstrap?: Bootstrap;
}

/** The node's own client certificate. */
export interface NodeCertificate {
  readonly caFile: string;
  /** Certificate and key in one; replaced when it is renewed. */
  readonly certificateFile: string;
  /** Why it does not serve, in words that say what to do; nothing where it does. */
  failure(): string | undefined;
  /** Milliseconds since 1970. */
  expiresAt(): number | undefined;
  /** Takes another join token, for the time that this process runs, and uses it at once where one is needed. */
  takeJoinToken(token: string): void;
  /** From now on it is renewed by itself. @param api asks with the certificate that is held */
  keep(api: JsonApi): void;
  close(): Promise<void>;
}

/** For its approval somebody may be needed. */
const joinLimitMs = 15 * 60_000;
const firstRetryMs = 1_000;
const maxRetryMs = 30_000;

/**
 * Takes the certificate that is kept, whether it has expired or not, or joins: then it waits for one.
 *
 * @throws IdentityError that says what to do, FileError; what the signal was aborted with
 */
export async function openNodeCertificate(
  options: NodeCertificateOptions,
  signal: AbortSignal,
): Promise<NodeCertificate> {
  const { files, rootDir, nodeName, caHashes, logger } = options;
  const caFile = `${rootDir}/pki/ca.crt`;
  const keeper = new Keeper(options);
  const { kept } = keeper;
  await kept.load();
  const known = await files.read(caFile);
  if (known !== undefined) keeper.ca = new TextDecoder().decode(known);
  if (kept.current !== undefined && keeper.ca !== "") {
    await checkKept(keeper.ca, kept.current.wanted, { rootDir, nodeName, caHashes });
  } else {
    await withRetries(options, signal, (limit) => keeper.join(caFile, limit));
  }
  return {
    caFile,
    certificateFile: kept.currentPath,
    failure: () => kept.failure,
    expiresAt: () => kept.current?.notAfter,
    takeJoinToken: (token) => {
      keeper.bootstrap = { token };
      logger.log("info", "Another join token was given");
      kept.tryNow();
    },
    keep: (api) => {
      keeper.nodeApi = api;
      kept.start();
    },
    close: () => kept.close(),
  };
}

/** Asks with the certificate while it serves, else with the join token. */
class Keeper {
  readonly kept: KeptCertificate;
  readonly #options: NodeCertificateOptions;
  bootstrap: Bootstrap | undefined;
  ca = "";
  nodeApi: JsonApi | undefined;

  constructor(options: NodeCertificateOptions) {
    this.#options = options;
    this.bootstrap = options.bootstrap;
    this.kept = new KeptCertificate({
      ...options,
      path: `${options.rootDir}/pki/hub-client`,
      template: () => clientTemplate(options),
      api: () => (request) => this.#ask(request),
    });
  }

  async join(caFile: string, signal: AbortSignal): Promise<void> {
    const { bootstrap } = this;
    const { caHashes, files, nodeName, logger } = this.#options;
    if (bootstrap === undefined) {
      throw new IdentityError(`Cannot start: ${this.kept.currentPath} is missing, and no join token was given`, {
        retryable: false,
      });
    }
    const { joinToken } = bootstrap;
    if (bootstrap.ca !== undefined) this.ca = await provedCa(bootstrap.ca, caHashes);
    else if (joinToken !== undefined) {
      this.ca = (await discoverCluster(this.#options, { token: joinToken, caHashes }, signal)).ca;
    }
    const machineId = new TextDecoder().decode(await files.read("/etc/machine-id")).trim();
    await this.#asBootstrap(bootstrap, (api) => checkNodeName(api, { nodeName, machineId, signal }));
    await files.writeAtomic(caFile, new TextEncoder().encode(this.ca), { mode: 0o600 });
    await this.kept.obtain(signal);
    logger.log("info", "The node has joined", { node: nodeName });
  }

  async #ask(request: Parameters<JsonApi>[0]): ReturnType<JsonApi> {
    const { bootstrap } = this;
    const serves = this.kept.current !== undefined && !this.kept.expired;
    if (serves && this.nodeApi !== undefined) {
      const answer = await this.nodeApi(request);
      if (answer.status !== 401) return answer;
    }
    if (bootstrap === undefined) throw this.#needsToken();
    const answer = await this.#asBootstrap(bootstrap, (api) => api(request));
    if (answer.status === 401) throw refusedToken(messageOf(answer));
    return answer;
  }

  #asBootstrap<T>({ token }: Bootstrap, use: (api: JsonApi) => Promise<T>): Promise<T> {
    return withApi(this.#options, { ca: this.ca, token }, use);
  }

  #needsToken(): IdentityError {
    const how = this.kept.expired ? "has expired" : "is not taken by the API server";
    return new IdentityError(
      `The node's certificate ${this.kept.currentPath} ${how}: make a join token in the cluster (kubeadm token create) and ` +
        "start the hub with --join-token, or post it to /v1/token of its status server. What is held is served until then",
      { retryable: false },
    );
  }
}

interface Expected {
  readonly rootDir: string;
  readonly nodeName: string;
  readonly caHashes: readonly string[];
}

async function checkKept(ca: string, wanted: string, { rootDir, nodeName, caHashes }: Expected): Promise<void> {
  await provedCa(ca, caHashes).catch((cause: unknown) => {
    throw new IdentityError(`${rootDir}/pki belongs to another cluster: ${String(cause)}. Give another --root-dir`, {
      retryable: false,
      cause,
    });
  });
  const owner = wanted.split("; ")[1] ?? "";
  if (owner.startsWith(nodeUserPrefix) && owner !== `${nodeUserPrefix}${nodeName}`) {
    throw new IdentityError(`${rootDir}/pki belongs to ${owner}, not to ${nodeName}: give another --root-dir`, {
      retryable: false,
    });
  }
}

/** An API server that is out of reach, or not ready yet, is asked again until the limit. */
async function withRetries(
  { clock, random, logger }: NodeCertificateOptions,
  signal: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const limit = new AbortController();
  const abort = (): void => limit.abort(signal.reason);
  signal.addEventListener("abort", abort);
  let reason = "the certificate was not approved";
  const timer = clock.setTimer(joinLimitMs, () => {
    limit.abort(
      new IdentityError(`Cannot join within ${joinLimitMs / 60_000} minutes: ${reason}`, { retryable: true }),
    );
  });
  try {
    for (let delayMs = firstRetryMs;; delayMs = Math.min(delayMs * 2, maxRetryMs)) {
      try {
        return await attempt(limit.signal);
      } catch (error) {
        limit.signal.throwIfAborted();
        if (!(error instanceof IdentityError) || !error.retryable) throw error;
        reason = error.message;
        logger.log("warn", "The node cannot join yet, and tries again", { reason });
        await clock.sleep(delayMs * (0.5 + random.float() / 2), limit.signal);
      }
    }
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
}
