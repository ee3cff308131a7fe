/** A JSON value of whatever form, read as what it should be: what is missing or of another type reads as empty. */
export class JsonView {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  /** As it was parsed. */
  get value(): unknown {
    return this.#value;
  }

  /** What lies under these keys. */
  at(...path: readonly string[]): JsonView {
    let value = this.#value;
    for (const key of path) value = isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    return new JsonView(value);
  }

  /** Whether there is anything but `null`. */
  get exists(): boolean {
    return this.#value !== undefined && this.#value !== null;
  }

  /** A string, or a number as text. */
  text(missing = ""): string {
    return typeof this.#value === "string" || typeof this.#value === "number" ? String(this.#value) : missing;
  }

  number(missing = 0): number {
    return typeof this.#value === "number" ? this.#value : missing;
  }

  flag(missing = false): boolean {
    return typeof this.#value === "boolean" ? this.#value : missing;
  }

  /** The elements of an array. */
  items(): readonly JsonView[] {
    return Array.isArray(this.#value) ? this.#value.map((item) => new JsonView(item)) : [];
  }

  /** The elements of an array of strings. */
  texts(): readonly string[] {
    return this.items().map((item) => item.text());
  }

  /** The members of an object, in the order of their keys. */
  entries(): readonly (readonly [string, JsonView])[] {
    if (!isRecord(this.#value)) return [];
    return Object.entries(this.#value).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) =>
      [key, new JsonView(value)] as const
    );
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
