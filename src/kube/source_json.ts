/** What ES2025 adds to JSON, on all three runtimes; TypeScript does not know it yet. */
interface SourceJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
}

const sourced = JSON as unknown as SourceJson; // the tests run on every runtime

/**
 * Parses JSON, and puts in place of each number what `revive` makes of it and of its digits.
 *
 * @throws SyntaxError
 */
export function parseNumbersBySource(text: string, revive: (value: number, source: string) => unknown): unknown {
  return sourced.parse(
    text,
    (_key, value, { source }) => (typeof value !== "number" || source === undefined ? value : revive(value, source)),
  );
}
