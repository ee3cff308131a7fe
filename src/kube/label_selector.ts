import { labelKeyProblems, labelValueProblems } from "./label_syntax.ts";
import { badRequest, type StatusError } from "./status.ts";

export type LabelOperator = "=" | "!=" | "in" | "notin" | "exists" | "!" | ">" | "<";

/** One requirement. `values` is sorted and without duplicates: one for `=`, `!=`, `>`, `<`, none for `exists` and `!`. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

interface Token {
  readonly kind: "identifier" | "symbol" | "end" | "error";
  readonly text: string;
}

const BINARY_OPERATORS: Readonly<Record<string, LabelOperator>> = {
  "=": "=",
  "==": "=",
  "!=": "!=",
  ">": ">",
  "<": "<",
  in: "in",
  notin: "notin",
};

/**
 * Reads a label selector as apimachinery's `labels.Parse` does, with the same errors.
 *
 * @returns the requirements in order of their keys; none where the selector selects everything
 * @throws StatusError 400
 */
export function parseLabelSelector(selector: string): readonly LabelRequirement[] {
  const parser = new Parser(tokenize(selector));
  return parser.parse().toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/**
 * The one form of all selectors that mean the same but for redundant requirements: requirements and values sorted,
 * duplicates dropped, `==` and a set of one value written as `=` or `!=`, no white space.
 */
export function formatLabelSelector(requirements: readonly LabelRequirement[]): string {
  return [...new Set(requirements.map(formatRequirement))].toSorted().join(",");
}

/** Whether an object with these labels is selected. */
export function matchesLabels(
  requirements: readonly LabelRequirement[],
  labels: Readonly<Record<string, string>>,
): boolean {
  return requirements.every((requirement) => matchesRequirement(requirement, labels));
}

function matchesRequirement({ key, operator, values }: LabelRequirement, labels: Readonly<Record<string, string>>) {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "=":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case ">":
    case "<":
      return value !== undefined && compares(value, operator, values[0] ?? "");
  }
}

function compares(value: string, operator: ">" | "<", limit: string): boolean {
  if (!isInt64(value) || !isInt64(limit)) return false;
  return operator === ">"
    ? BigInt(unsigned(value)) > BigInt(unsigned(limit))
    : BigInt(unsigned(value)) < BigInt(unsigned(limit));
}

// BigInt takes "-1" but not "+1", which Go's ParseInt takes.
function unsigned(integer: string): string {
  return integer.startsWith("+") ? integer.slice(1) : integer;
}

function isInt64(text: string): boolean {
  return /^[+-]?[0-9]+$/.test(text) && BigInt.asIntN(64, BigInt(unsigned(text))) === BigInt(unsigned(text));
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      if (values.length === 1) return `${key}${operator === "in" ? "=" : "!="}${values[0]}`;
      return `${key} ${operator} (${values.join(",")})`;
    default:
      return `${key}${operator}${values[0]}`;
  }
}

function tokenize(selector: string): Token[] {
  const tokens: Token[] = [];
  // NUL ends the input, as in Go's lexer, which reads it as the end of the string.
  const text = selector.split("\0", 1)[0] ?? "";
  const pattern = /[ \t\r\n]*(?:(==|!=|[=!(),<>])|([^ \t\r\n=!(),<>]+)|$)/y;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) break;
    if (match[1] !== undefined) tokens.push({ kind: "symbol", text: match[1] });
    else if (match[2] !== undefined) tokens.push({ kind: "identifier", text: match[2] });
    else break;
  }
  return tokens;
}

const END: Token = { kind: "end", text: "" };

/** Recursive descent over the tokens, in step with apimachinery's, so that errors name the same token. */
class Parser {
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    if (this.#next().kind === "end") return requirements;
    if (!startsRequirement(this.#next())) {
      throw badRequest(`found '${this.#next().text}', expected: !, identifier, or 'end of string'`);
    }
    for (;;) {
      requirements.push(this.#requirement());
      const token = this.#take();
      if (token.kind === "end") return requirements;
      if (token.text !== "," || token.kind !== "symbol") {
        throw badRequest(`found '${token.text}', expected: ',' or 'end of string'`);
      }
      if (!startsRequirement(this.#next())) {
        throw badRequest(`found '${this.#next().text}', expected: identifier after ','`);
      }
    }
  }

  #requirement(): LabelRequirement {
    const negated = isSymbol(this.#next(), "!");
    if (negated) this.#take();
    const token = this.#take();
    if (token.kind !== "identifier") throw unparsable(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const problems = labelKeyProblems(key);
    if (problems.length > 0) throw unparsable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${problems.join("; ")}`);
    if (negated) return { key, operator: "!", values: [] };
    if (this.#next().kind === "end" || isSymbol(this.#next(), ",")) return { key, operator: "exists", values: [] };
    const operator = this.#operator();
    const values = operator === "in" || operator === "notin" ? this.#set() : [this.#exactValue()];
    checkValues({ key, operator, values });
    return { key, operator, values };
  }

  #operator(): LabelOperator {
    const token = this.#take();
    const operator = Object.hasOwn(BINARY_OPERATORS, token.text) ? BINARY_OPERATORS[token.text] : undefined;
    if (operator === undefined) throw unparsable(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`);
    return operator;
  }

  #exactValue(): string {
    if (this.#next().kind === "end" || isSymbol(this.#next(), ",")) return "";
    const token = this.#take();
    if (token.kind !== "identifier") throw unparsable(`found '${token.text}', expected: identifier`);
    return token.text;
  }

  #set(): string[] {
    const open = this.#take();
    if (!isSymbol(open, "(")) throw unparsable(`found '${open.text}' expected: '('`);
    if (isSymbol(this.#next(), ")")) {
      this.#take();
      return [""];
    }
    if (this.#next().kind !== "identifier" && !isSymbol(this.#next(), ",")) {
      throw unparsable(`found '${this.#next().text}', expected: ',', ')' or identifier`);
    }
    const values = this.#setValues();
    this.#take();
    return [...values].toSorted();
  }

  #setValues(): Set<string> {
    const values = new Set<string>();
    for (;;) {
      const token = this.#take();
      if (token.kind === "identifier") {
        values.add(token.text);
        if (isSymbol(this.#next(), ")")) return values;
        if (!isSymbol(this.#next(), ",")) throw unparsable(`found '${this.#next().text}', expected: ',' or ')'`);
      } else if (isSymbol(token, ",")) {
        if (values.size === 0) values.add("");
        if (isSymbol(this.#next(), ")")) return values.add("");
        if (isSymbol(this.#next(), ",")) values.add("");
      } else {
        throw unparsable(`found '${token.text}', expected: ',', or identifier`);
      }
    }
  }

  #next(): Token {
    return this.#tokens[this.#position] ?? END;
  }

  #take(): Token {
    const token = this.#next();
    this.#position++;
    return token;
  }
}

function checkValues({ key, operator, values }: LabelRequirement): void {
  const errors: string[] = [];
  if (operator === ">" || operator === "<") {
    if (!isInt64(values[0] ?? "")) {
      errors.push(invalidValue("values[0]", values[0] ?? "", "for 'Gt', 'Lt' operators, the value must be an integer"));
    }
  }
  values.forEach((value, index) => {
    const problems = labelValueProblems(value);
    if (problems.length > 0) errors.push(invalidValue(`values[${index}][${key}]`, value, problems.join("; ")));
  });
  if (errors.length === 1) throw unparsable(errors[0] ?? "");
  if (errors.length > 1) throw unparsable(`[${errors.join(", ")}]`);
}

function invalidValue(field: string, value: string, problem: string): string {
  return `${field}: Invalid value: ${JSON.stringify(value)}: ${problem}`;
}

function unparsable(problem: string): StatusError {
  return badRequest(`unable to parse requirement: ${problem}`);
}

function startsRequirement(token: Token): boolean {
  return token.kind === "identifier" || isSymbol(token, "!");
}

function isSymbol(token: Token, text: string): boolean {
  return token.kind === "symbol" && token.text === text;
}
