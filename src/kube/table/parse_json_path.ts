import { asInt64 } from "./exact_json.ts";
import { goUnquote } from "./go_unquote.ts";
import { type ArraySlice, JsonPathSyntaxError, type Path, type PathStep } from "./json_path.ts";

/**
 * Reads a template of kubectl's JSONPath dialect (client-go util/jsonpath), as far as columns of custom resources use it:
 * `{.status.conditions[?(@.type=="Ready")].status}`. A text between braces is a path with that text alone.
 *
 * @returns the path of each pair of braces
 * @throws JsonPathSyntaxError
 */
export function parseJsonPaths(template: string): readonly Path[] {
  const paths: Path[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf("{", at);
    const textEnd = open < 0 ? template.length : open;
    if (textEnd > at) paths.push([{ kind: "text", text: template.slice(at, textEnd) }]);
    if (open < 0) break;
    const reader = new PathReader(template, open + 1);
    paths.push(reader.read());
    at = reader.at;
  }
  return paths;
}

/** Of a part of a path, which is one of its own. */
function parsePart(text: string): Path {
  return parseJsonPaths(`{${text}}`)[0] ?? [];
}

/** These end a name. */
const endsName = /[ \t\r\n.,[\]$@{}]/;
const beginsWord = /[_\p{L}\p{Nd}]/u;
const digit = /\p{Nd}/u;
const int64 = /^[+-]?\d+$/;

/** Reads what stands between two braces. */
class PathReader {
  readonly #text: string;
  readonly #steps: PathStep[] = [];
  at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  /** @returns the path; `at` is then behind its closing brace */
  read(): Path {
    for (;;) {
      if (this.#take("}")) return this.#steps;
      if (this.#take("[?(")) this.#filter();
      else if (this.#take("..")) this.#descent();
      else this.#step(this.#next());
    }
  }

  #step(character: string): void {
    if (character === " " || character === "@" || character === "$") return;
    if (character === "[") return this.#brackets();
    if (character === '"' || character === "'") return this.#quoted(character);
    if (character === ".") return this.#field();
    this.at -= character.length;
    if (character === "+" || character === "-" || digit.test(character)) return this.#number();
    if (beginsWord.test(character)) return this.#word();
    throw new JsonPathSyntaxError(`Cannot read the path ${this.#text}: ${character} at ${this.at}`);
  }

  #take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  /** The next character. @throws JsonPathSyntaxError at the end of the line */
  #next(): string {
    const code = this.#text.codePointAt(this.at);
    if (code === undefined || code === 10 || code === 13) throw this.#cutOff();
    const character = String.fromCodePoint(code);
    this.at += character.length;
    return character;
  }

  #cutOff(): JsonPathSyntaxError {
    return new JsonPathSyntaxError(`Cannot read the path ${this.#text}: it is cut off at ${this.at}`);
  }

  /** Up to the next character that is one of these. */
  #until(end: RegExp): string {
    const start = this.at;
    while (this.at < this.#text.length && !end.test(this.#text.charAt(this.at))) this.at++;
    return this.#text.slice(start, this.at);
  }

  #field(): void {
    const start = this.at;
    while (this.at < this.#text.length && !endsName.test(this.#text.charAt(this.at))) {
      this.at += this.#text.charAt(this.at) === "\\" ? 2 : 1;
    }
    this.at = Math.min(this.at, this.#text.length);
    const name = this.#text.slice(start, this.at);
    this.#steps.push(name === "*" ? { kind: "all" } : { kind: "field", name: name.replaceAll("\\", "") });
  }

  #descent(): void {
    if (this.#steps.at(-1)?.kind === "descent") {
      throw new JsonPathSyntaxError(`Cannot read the path ${this.#text}: a descent follows another`);
    }
    this.#steps.push({ kind: "descent" });
    if (beginsWord.test(String.fromCodePoint(this.#text.codePointAt(this.at) ?? 0))) this.#field();
  }

  #word(): void {
    const word = this.#until(endsName);
    const isBoolean = word === "true" || word === "false";
    this.#steps.push(isBoolean ? { kind: "constant", value: word === "true" } : { kind: "word", word });
  }

  #number(): void {
    const start = this.at;
    this.at++; // a sign, or a digit
    while (/[.\p{Nd}]/u.test(this.#text.charAt(this.at))) this.at++;
    const text = this.#text.slice(start, this.at);
    const whole = int64.test(text) ? asInt64(text.replace("+", "")) : undefined;
    const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text);
    if (!isNumber) throw new JsonPathSyntaxError(`Cannot read the path ${this.#text}: ${text} is no number`);
    this.#steps.push({ kind: "constant", value: whole ?? Number(text) });
  }

  #quoted(quote: string): void {
    const start = this.at - 1;
    for (;;) {
      const character = this.#text.charAt(this.at++);
      if (character === "" || character === "\n") throw this.#cutOff();
      if (character === quote && this.#text.charAt(this.at - 2) !== "\\") break;
    }
    const text = goUnquote(this.#text.slice(start, this.at));
    if (text === undefined) throw new JsonPathSyntaxError(`Cannot read the path ${this.#text}: a quoted text in it`);
    this.#steps.push({ kind: "text", text });
  }

  /** The first closing bracket ends them, within quotes too. */
  #brackets(): void {
    const inner = this.#until(/[\]\n]/);
    if (this.#text.charAt(this.at) !== "]") throw this.#cutOff();
    this.at++;
    const parts = inner.split(",");
    if (parts.length > 1) {
      const paths = parts.map((part) => parsePart(`[${part.replaceAll(/^ +| +$/g, "")}]`));
      this.#steps.push({ kind: "union", paths });
      return;
    }
    const quoted = /^'([^']*)'$/.exec(inner)?.[1];
    // What is quoted is read as after a dot: a dot in it needs a backslash.
    if (quoted === undefined) this.#steps.push(this.#slice(inner === "*" ? ":" : inner));
    else this.#steps.push(...parsePart(`.${quoted}`));
  }

  #slice(text: string): ArraySlice {
    const match = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/.exec(text);
    if (match === null) throw new JsonPathSyntaxError(`Cannot read the path ${this.#text}: the index ${text}`);
    const [, start = "", end, step] = match;
    const number = (digits: string | undefined) => (digits === undefined ? undefined : this.#index(digits));
    return {
      kind: "slice",
      start: this.#index(start) ?? 0,
      end: number(end?.slice(1)),
      step: number(step?.slice(1)),
      single: end === undefined,
    };
  }

  #index(digits: string): number | undefined {
    if (digits === "") return undefined;
    const index = digits === "-" ? undefined : asInt64(digits);
    if (index === undefined) throw new JsonPathSyntaxError(`Cannot read the path ${this.#text}: the index ${digits}`);
    return Number(index);
  }

  #filter(): void {
    const start = this.at;
    let quote = "";
    let closed = false;
    for (let done = false; !done; this.at++) {
      const character = this.#text.charAt(this.at);
      if (character === "" || character === "\n") throw this.#cutOff();
      if (character === ")") done = (quote !== "") === closed;
      else if (character === '"' || character === "'") {
        if (quote === "") quote = character;
        else if (character === quote && this.#text.charAt(this.at - 1) !== "\\") closed = true;
      }
    }
    const text = this.#text.slice(start, this.at - 1);
    if (!this.#take("]")) throw new JsonPathSyntaxError(`Cannot read the path ${this.#text}: no ] after a filter`);
    const [, left, operator = "exists", right] = /^([^!<>=]+)([!<>=]+)(.+?)$/s.exec(text) ?? [];
    this.#steps.push({
      kind: "filter",
      left: parsePart(left ?? text),
      operator,
      right: right === undefined ? [] : parsePart(right),
    });
  }
}
