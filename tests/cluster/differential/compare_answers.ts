import { type AnswerShape, shapeOf } from "./answer_shape.ts";
import type { Asker, RawAnswer } from "./asker.ts";
import type { Question } from "./questions.ts";

const PARTS = ["status", "contentType", "retryAfter", "head", "items", "events"] as const;
const SHOWN_CHARACTERS = 1_500;

export interface Comparison {
  /** What is different, in words; nothing where they are alike. */
  readonly difference?: string;
  /** The hub has said 410 where the API server has not: its log does not reach back that far (R3). */
  readonly expired: boolean;
  /** Where the hub's answer came from. */
  readonly source: string | undefined;
}

/** Asks the API server and the hub the same at the same time. */
export async function compareAnswers(
  question: Question,
  { direct, through }: { readonly direct: Asker; readonly through: Asker },
): Promise<Comparison> {
  const [want, got] = await Promise.all([direct.ask(question), through.ask(question)]);
  const { source } = got;
  const wanted = shapeOf(want, question.isWatch);
  const given = shapeOfAny(got, question);
  if (typeof given !== "string" && isExpiredWatch(given) && !isExpiredWatch(wanted)) return { expired: true, source };
  const part = typeof given === "string" ? undefined : PARTS.find((name) => !isAlike(wanted[name], given[name]));
  if (typeof given !== "string" && part === undefined) return { expired: false, source };
  const shown = typeof given === "string" || part === undefined ? given : given[part];
  const lines = [
    `${question.path} [${question.accept}], from ${source}: ${part ?? "no JSON"}`,
    `  want ${shorten(part === undefined ? wanted.head : wanted[part])}`,
    `  got  ${shorten(shown)}`,
  ];
  return { difference: lines.join("\n"), expired: false, source };
}

function shapeOfAny(answer: RawAnswer, { isWatch }: Question): AnswerShape | string {
  try {
    return shapeOf(answer, isWatch);
  } catch (error) {
    return `${String(error)}: ${answer.status} ${answer.ended} ${answer.text}`;
  }
}

function isExpiredWatch({ status, events }: AnswerShape): boolean {
  return status === 200 && events.length === 1 && events[0]?.startsWith("ERROR") === true &&
    events[0].includes('"reason":"Expired"');
}

function isAlike(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  const half = SHOWN_CHARACTERS / 2;
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, half)}…${text.slice(-half)}` : text;
}
