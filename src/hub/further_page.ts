import { continueExpired, readContinue, versionWithContinue } from "../kube/continue_token.ts";
import { queryOf } from "../kube/resources.ts";
import { mightRead } from "./access.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { pageFrom } from "./list_page.ts";
import { answerPage, isUnreadable } from "./replica_answers.ts";

/**
 * Answers a further page of a list whose first one the hub gave: as it was then, whatever has happened since (R8).
 *
 * @throws StatusError 410 where the list is not kept any more, or a new epoch has begun; the refusal that has ended the grant
 */
export async function readFurtherPage(context: HubContext, call: Call): Promise<void> {
  const { info, options } = call;
  const token = readContinue(options?.continue ?? "");
  if (options === undefined || token.from !== "hub") throw continueExpired();
  if (options.resourceVersion !== "" && options.resourceVersion !== "0") {
    throw versionWithContinue();
  }
  const { list: id, start } = token.position;
  const query = queryOf(info, options);
  const list = context.pagedLists.find(id, { scope: call.caller.scope, query });
  if (list === undefined || list.epoch !== context.replica.of(query).epoch) throw continueExpired();
  if (!await mightRead(context, call)) throw continueExpired();
  const { refusal } = list.collection;
  if (refusal !== undefined) throw refusal;
  try {
    await answerPage(context, call, { list, page: pageFrom(list, { id, start }, options) });
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    context.pagedLists.drop(id);
    throw continueExpired();
  }
}
