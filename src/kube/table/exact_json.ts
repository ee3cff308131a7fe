import { parseNumbersBySource } from "../source_json.ts";

/**
 * Parses JSON with numbers as the API server tells them apart (sigs.k8s.io/json): what fits an int64 and has neither point
 * nor exponent is a bigint, all else a number.
 *
 * @throws SyntaxError
 */
export function parseWithIntegers(text: string): unknown {
  return parseNumbersBySource(text, (value, source) => (/^-?\d+$/.test(source) ? asInt64(source) ?? value : value));
}

/** @param digits with a minus sign at most @returns nothing where it does not fit */
export function asInt64(digits: string): bigint | undefined {
  const value = BigInt(digits);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
