import { tokenExpiry } from "../identity/token_expiry.ts";
import { headerOf } from "../kube/hop_by_hop.ts";
import { contentTypeOf } from "../kube/media_type.ts";
import { jsonToProtobuf, protobufToJson } from "../kube/protobuf_messages.ts";
import { readTokenRequest, tokenOf, type TokenQuestion } from "../kube/token_request.ts";
import type { UpstreamResponse } from "../platform/upstream.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { forward } from "./forward.ts";
import { bodyOf, protobufType } from "./write_body.ts";

export function isTokenRequest({ info }: Call): boolean {
  const { verb, group, resource, subresource } = info;
  return verb === "create" && group === "" && resource === "serviceaccounts" && subresource === "token";
}

/**
 * Has the cloud answer a TokenRequest of the node, and keeps the answer before the client has it (R14). Where the cloud does
 * not answer, what is kept does.
 */
export async function requestToken(context: HubContext, call: Call): Promise<void> {
  const question = await questionOf(call);
  const keep = (response: UpstreamResponse, body: Uint8Array) => keepToken(context, call, { question, response, body });
  await forward(context, call, {
    record: true, // in JSON, where the client takes it
    takenFirst: true,
    taken: keep,
    otherwise: () => answerToken(context, call),
  });
}

/**
 * Answers a TokenRequest with the real token that the cloud has given for the same request, as long as it is valid.
 *
 * @returns false where there is none
 */
export async function answerToken(context: HubContext, call: Call): Promise<boolean> {
  const question = await questionOf(call);
  const kept = question === undefined ? undefined : await context.tokens?.get(question);
  if (kept === undefined || call.accept.as !== undefined || call.exchange.answered) return false;
  const [type, body] = call.accept.json
    ? ["application/json", kept.answer]
    : [protobufType, call.accept.protobuf ? jsonToProtobuf(kept.answer) : undefined];
  if (body === undefined) return false;
  const ageSeconds = Math.max(0, Math.floor((context.platform.clock.now() - kept.savedAt) / 1_000));
  const rawHeaders = ["Content-Type", type, "Content-Length", String(body.length), "Age", String(ageSeconds)];
  const sink = call.respond({ status: 201, reason: "Created", rawHeaders }, "replica");
  void sink.write(body);
  sink.end();
  return true;
}

async function questionOf(call: Call): Promise<TokenQuestion | undefined> {
  const body = await bodyOf(call);
  return readTokenRequest({ body, contentType: call.exchange.header("content-type") }, call.info);
}

interface Answered {
  readonly question: TokenQuestion | undefined;
  readonly response: UpstreamResponse;
  readonly body: Uint8Array;
}

/** A store that takes its time holds nobody up for longer than the cloud may. Never rejects. */
async function keepToken({ tokens, platform, cloudReadTimeoutMs, logger }: HubContext, call: Call, answered: Answered) {
  const { question, response } = answered;
  if (tokens === undefined || question === undefined) return;
  try {
    const answer = jsonAnswer(answered);
    const token = answer === undefined ? undefined : tokenOf(answer);
    const expiresAt = token === undefined ? undefined : tokenExpiry(token);
    if (answer === undefined || expiresAt === undefined) return;
    const kept = tokens.put(question, { answer, expiresAt, savedAt: platform.clock.now() });
    await new Promise<void>((resolve) => {
      const timer = platform.clock.setTimer(cloudReadTimeoutMs, resolve);
      void kept.then(() => {
        timer.cancel();
        resolve();
      });
    });
  } catch (error) {
    // The client has a right to its answer.
    logger.log("warn", "A token could not be kept", {
      path: call.info.path,
      status: response.status,
      error: String(error),
    });
  }
}

function jsonAnswer({ response: { rawHeaders }, body }: Answered): Uint8Array | undefined {
  const { type } = contentTypeOf(headerOf(rawHeaders, "content-type"));
  return type === protobufType ? protobufToJson(body) : type === "application/json" ? body : undefined;
}
