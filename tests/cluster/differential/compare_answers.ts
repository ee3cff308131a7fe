import { type AnswerShape, shapeOf, tokenOf } from "./answer_shape.ts";
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
  const parts = typeof given === "string" ? [] : PARTS.filter((name) => !isAlike(wanted[name], given[name]));
  const [part] = saysMoreAlone(wanted, given) && await nothingFollows(question, want, direct)
    ? parts.filter((name) => name !== "head")
    : parts;
  if (typeof given !== "string" && part === undefined) return { expired: false, source };
  const shown = typeof given === "string" || part === undefined ? given : given[part];
  const lines = [
    `${question.path} [${question.accept}], from ${source}: ${part ?? "no JSON"}`,
    `  want ${shorten(part === undefined ? wanted.head : wanted[part])}`,
    `  got  ${shorten(shown)}`,
  ];
  return { difference: lines.join("\n"), expired: false, source };
}

/** Whether nothing of two lists' heads is different but that one says that there is more, and the other does not. */
function saysMoreAlone(wanted: AnswerShape, given: AnswerShape | string): boolean {
  if (typeof given === "string") return false;
  // Made by `shapeOf`: of a list or Table, or of what has no such member.
  const heads = [wanted.head, given.head] as readonly { readonly hasMore?: boolean }[];
  const [want, got] = heads.map((head) => head.hasMore);
  return want === true && got === false && isAlike({ ...heads[0], hasMore: got }, heads[1]);
}

/**
 * Whether the API server's further pages are empty: with a selector it says that there is more wherever objects are left,
 * selected or not (`Cacher.GetList`). The hub knows which are.
 */
async function nothingFollows({ path, accept }: Question, first: RawAnswer, direct: Asker): Promise<boolean> {
  const [base = "", query = ""] = path.split("?");
  const asked = new URLSearchParams(query);
  for (const name of ["resourceVersion", "resourceVersionMatch"]) asked.delete(name);
  for (let token = tokenOf(first); token !== "";) {
    asked.set("continue", token);
    const answer = await direct.ask({ path: `${base}?${asked}`, accept });
    const { status, items } = shapeOf(answer, false);
    if (status !== 200 || items.length > 0) return false;
    token = tokenOf(answer);
  }
  return true;
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
