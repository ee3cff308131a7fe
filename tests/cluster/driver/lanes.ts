import type { ApiAnswer } from "./api_client.ts";

/** Requests at once. */
const LANES = 16;

/** Asks many questions, some at once. */
export async function inLanes<T>(
  questions: readonly T[],
  ask: (question: T) => Promise<ApiAnswer>,
): Promise<ReadonlyMap<T, ApiAnswer>> {
  const answers = new Map<T, ApiAnswer>();
  let next = 0;
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let question = questions[next++]; question !== undefined; question = questions[next++]) {
      answers.set(question, await ask(question));
    }
  }));
  return answers;
}
