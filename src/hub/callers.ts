import { bearerToken } from "../identity/bearer_token.ts";
import { type Caller, nodeCaller, serviceAccountCaller } from "../identity/caller.ts";
import type { KeyAnswer } from "../identity/key_questions.ts";
import type { ServiceAccountToken } from "../identity/service_account_token.ts";
import { readTokenKeys } from "../identity/token_keys.ts";
import { TokenError, TokenVerifier } from "../identity/token_verifier.ts";
import { forbidden, unauthorized } from "../kube/status.ts";
import type { Exchange, PeerCertificate } from "../platform/exchange.ts";
import { askAs } from "./ask_as.ts";
import type { HubContext } from "./context.ts";
import type { HubState } from "./hub_state.ts";
import { Refusals } from "./refusals.ts";

export interface CallersOptions {
  readonly context: HubContext;
  /** Where the cluster's keys are kept. */
  readonly state?: HubState;
  /** How long a token is taken after its end, while the cloud is out of reach. Milliseconds. */
  readonly graceMs: number;
}

const podType = { group: "", version: "v1", resource: "pods" };

/** Tells who calls on the port that asks for that (design, section 5). */
export class Callers {
  readonly #options: CallersOptions;
  readonly #verifier: TokenVerifier;
  readonly #refusals: Refusals;

  constructor(options: CallersOptions) {
    const { context, state } = options;
    this.#options = options;
    this.#refusals = new Refusals({
      clock: context.platform.clock,
      logger: context.logger,
      level: "info",
      message: "A caller is refused: its token cannot be verified",
    });
    this.#verifier = new TokenVerifier({
      clock: context.platform.clock,
      ...(state?.tokenKeys === undefined ? {} : { known: state.tokenKeys }),
      ask: (token) => this.#askForKeys(token),
      learnt: (keys) => state?.setTokenKeys(keys) ?? Promise.resolve(),
      isGone: (token) => podOf(context, token) === "gone",
      isGraced: (token) => this.#isGraced(token),
    });
  }

  /** Callers whose token could not be verified. */
  get refused(): number {
    return this.#refusals.count;
  }

  /**
   * Who sends a request.
   *
   * @throws StatusError 401 where that cannot be verified, offline too; 403 for a client certificate that is not this node's
   */
  async identify(exchange: Pick<Exchange, "header" | "peer">): Promise<Caller> {
    const { nodeName } = this.#options.context;
    const { peer } = exchange;
    const { certificate } = peer;
    if (certificate !== undefined && !isOfNode(certificate, nodeName)) {
      throw forbidden("A client certificate cannot be carried to the cloud: use a token");
    }
    const token = bearerToken((name) => exchange.header(name));
    if (token === undefined) {
      if (certificate !== undefined && exchange.header("authorization") === undefined) return nodeCaller;
      throw unauthorized();
    }
    try {
      return serviceAccountCaller(await this.#verifier.verify(token, peer.address));
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      this.#refusals.add({
        why: error.message,
        client: `${peer.address}:${peer.port}`,
        userAgent: exchange.header("user-agent"),
      });
      throw unauthorized();
    }
  }

  async #askForKeys(token: string): Promise<KeyAnswer> {
    const context = this.#options.context;
    const ask = (rawPath: string) => askAs(context, { token, method: "GET", rawPath });
    const discovery = await ask("/.well-known/openid-configuration");
    if (discovery?.status === 401) return "unauthorized";
    const keySet = discovery?.status === 200 ? await ask("/openid/v1/jwks") : undefined;
    if (discovery === undefined || keySet?.status !== 200) {
      const statuses = { discovery: discovery?.status, keys: keySet?.status };
      context.logger.log("warn", "The cluster's keys for service account tokens cannot be read", statuses);
      return "unknown";
    }
    const keys = readTokenKeys(discovery.text, keySet.text);
    const foreign = keys === undefined ? undefined : context.link.cluster.check(keys.issuer);
    if (keys !== undefined && foreign === undefined) return { keys };
    context.logger.log("warn", "What an API server says of its keys is of no use", { why: foreign ?? "malformed" });
    return "unknown";
  }

  /** While the cloud is out of reach nobody can get another: but only who is known to be on this node. */
  #isGraced(token: ServiceAccountToken): boolean {
    const context = this.#options.context;
    if (context.link.state !== "offline" || podOf(context, token) !== "here") return false;
    return context.platform.clock.now() < token.expiresAt + this.#options.graceMs;
  }
}

function isOfNode({ authorized, commonName, organizations }: PeerCertificate, nodeName: string): boolean {
  return authorized && commonName === `system:node:${nodeName}` && organizations.includes("system:nodes");
}

/** What is known of the pod that a token is bound to: whether this node has it, by what it holds of its own pods. */
function podOf({ replica, nodeName, link }: HubContext, token: ServiceAccountToken): "here" | "gone" | "unknown" {
  const { namespace, pod, node } = token;
  if (pod === undefined) return "unknown";
  if (node !== undefined && node.name !== nodeName) return "gone";
  const pods = replica.of(podType);
  const held = pods.find({ ...podType, namespace, name: pod.name })?.held;
  if (held?.meta.uid === pod.uid) return "here";
  const own = { ...podType, namespace: "", labelSelector: "", fieldSelector: `spec.nodeName=${nodeName}` };
  const isTold = pods.view(own, ({ state }) => state === "live" || link.state === "offline") !== undefined;
  return isTold ? "gone" : "unknown";
}
