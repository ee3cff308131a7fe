import { stringify as stringifyYaml } from "yaml";
import { parseNumbersBySource } from "../kube/source_json.ts";

/** What ES2025 adds to JSON, on all three runtimes; TypeScript does not know it yet. */
const raw = JSON as unknown as { rawJSON(text: string): unknown }; // it is there: the tests run on every runtime

/**
 * Parses JSON for being written again: a number that a double would change (beyond 2^53, `1.0`) keeps its digits.
 *
 * @param written as what: a whole number becomes a bigint for YAML
 * @throws SyntaxError
 */
export function parseExact(text: string, written: "json" | "yaml"): unknown {
  return parseNumbersBySource(text, (value, source) => {
    if (String(value) === source) return value;
    if (written === "json") return raw.rawJSON(source);
    return /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** As kubectl prints it. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value, undefined, 4);
}

/** As kubectl reads it (YAML 1.1: `yes` and times are quoted), with a line feed at its end. */
export function formatYaml(value: unknown): string {
  return stringifyYaml(value, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}
