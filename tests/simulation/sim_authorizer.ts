import { parseListOptions } from "../../src/kube/list_options.ts";
import { parseRequest } from "../../src/kube/request_info.ts";
import { isJsonObject } from "../../src/kube/json_equal.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { failure, type SimAnswer, type SimRequest } from "./sim_api_server.ts";
import { memberAt } from "./sim_objects.ts";

/** What somebody may do, or asks to do. An empty namespace stands for all. */
export interface SimAccess {
  readonly user: string;
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
}

/** Who comes without a token. */
export const nodeUser = "node";

const reviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/** The authorizer of the simulated cloud, which knows also until when it has granted what. Tokens are `USER@EXPIRY`. */
export class SimAuthorizer {
  readonly #clock: Clock;
  /** Until when each was granted; Infinity for what is. */
  readonly #grantedUntil = new Map<string, number>();
  readonly #tokens = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  grant(access: SimAccess): void {
    this.#grantedUntil.set(keyOf(access), Infinity);
  }

  revoke(access: SimAccess): void {
    if (this.isGranted(access)) this.#grantedUntil.set(keyOf(access), this.#clock.monotonic());
  }

  /** By that very rule. */
  isGranted(access: SimAccess): boolean {
    return this.#grantedUntil.get(keyOf(access)) === Infinity;
  }

  /** Until when somebody was allowed to do it; nothing where that was never so. */
  allowedUntil(access: SimAccess): number | undefined {
    const rules = [this.#grantedUntil.get(keyOf(access)), this.#grantedUntil.get(keyOf({ ...access, namespace: "" }))];
    const known = rules.filter((until) => until !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  }

  /** A user's token; after its end another. */
  tokenOf(user: string, lifeMs: number): string | undefined {
    if (user === nodeUser) return undefined;
    const known = this.#tokens.get(user);
    if (known !== undefined && expiryOf(known) > this.#clock.now()) return known;
    const token = `${user}@${this.#clock.now() + lifeMs}`;
    this.#tokens.set(user, token);
    return token;
  }

  /** The refusal of a request, or the answer of a review; nothing where it is allowed. */
  answer({ method, rawPath, body, token }: SimRequest): SimAnswer | undefined {
    if (token !== undefined && expiryOf(token) <= this.#clock.now()) {
      return failure(401, "Unauthorized", "Unauthorized");
    }
    const user = token === undefined ? nodeUser : userOf(token);
    if (rawPath === reviewPath) return this.#review(user, body);
    const { isResource, verb, resource, namespace, query } = parseRequest(method, rawPath);
    if (!isResource) return undefined;
    const asked = {
      user,
      resource,
      namespace,
      verb: verb === "list" && parseListOptions(query).watch ? "watch" : verb,
    };
    if (this.#isAllowed(asked)) return undefined;
    return failure(403, "Forbidden", `${resource} is forbidden: ${user} cannot ${asked.verb} it`);
  }

  #review(user: string, body: string): SimAnswer {
    const review: unknown = JSON.parse(body);
    const text = (name: string) => {
      const value = memberAt(review, ["spec", "resourceAttributes", name]);
      return typeof value === "string" ? value : "";
    };
    const asked = { user, verb: text("verb"), resource: text("resource"), namespace: text("namespace") };
    const status = { allowed: this.#isAllowed(asked) };
    return { status: 201, body: JSON.stringify({ ...(isJsonObject(review) ? review : {}), status }) };
  }

  #isAllowed(access: SimAccess): boolean {
    return this.allowedUntil(access) === Infinity;
  }
}

export function userOf(token: string): string {
  return token.slice(0, token.indexOf("@"));
}

/** Milliseconds since 1970. */
export function expiryOf(token: string): number {
  return Number(token.slice(token.indexOf("@") + 1));
}

function keyOf({ user, verb, resource, namespace }: SimAccess): string {
  return `${user} ${verb} ${resource} ${namespace}`;
}
