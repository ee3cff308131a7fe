import { findJsonPath } from "./find_json_path.ts";
import { goJsonOfMaps } from "./go_json.ts";
import { humanDuration } from "./human_duration.ts";
import { JsonPathSyntaxError, type Path } from "./json_path.ts";
import { parseJsonPaths } from "./parse_json_path.ts";
import type { PrinterColumn } from "./printer_columns.ts";
import { parseRfc3339 } from "./rfc3339.ts";
import { AGE, type Cell, type Column, NAME, nameOf, type TablePrinter } from "./table_printer.ts";

const AGE_COLUMN: PrinterColumn = {
  name: AGE.name,
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: AGE.description,
};

/** Go's Duration, and with it an age, ends there: 2^63 ns. */
const maxDurationMs = 2 ** 63 / 1e6;
/** Of Go's zero time. */
const zeroTimeMs = Date.parse("0001-01-01T00:00:00Z");

/**
 * Shows a custom resource as the API server does (apiextensions-apiserver pkg/registry/customresource/tableconvertor): its
 * name, then the columns that its definition declares, or its age where that declares none.
 *
 * @param declared where a path cannot be read, its column and those after it are left out, as there
 */
export function customPrinter(declared: readonly PrinterColumn[]): TablePrinter {
  const columns = readable(declared.length === 0 ? [AGE_COLUMN] : declared);
  return {
    exact: true,
    columns: [NAME, ...columns.map(({ column }) => tableColumn(column))],
    row: (object, nowMs) => ({
      cells: [
        nameOf(object),
        ...columns.map(({ column: { type }, paths }) => cell(type, findJsonPath(paths, object.value) ?? [], nowMs)),
      ],
    }),
  };
}

interface ReadColumn {
  readonly column: PrinterColumn;
  readonly paths: readonly Path[];
}

function readable(columns: readonly PrinterColumn[]): readonly ReadColumn[] {
  const read: ReadColumn[] = [];
  try {
    for (const column of columns) read.push({ column, paths: parseJsonPaths(`{${column.jsonPath}}`) });
  } catch (error) {
    if (!(error instanceof JsonPathSyntaxError)) throw error;
  }
  return read;
}

function tableColumn({ name, type, jsonPath, format = "", description = "", priority = 0 }: PrinterColumn): Column {
  const described = description || `Custom resource definition column (in JSONPath format): ${jsonPath}`;
  return { name, type, format, description: described, priority };
}

/** Of several results the first is shown. */
function cell(type: PrinterColumn["type"], results: readonly unknown[], nowMs: number): Cell {
  if (results.length === 0) return null;
  const [value] = results;
  switch (type) {
    case "string":
      return textOf(value);
    case "integer":
      if (typeof value === "number") return truncated(value);
      return typeof value === "bigint" ? value : null;
    case "number":
      return typeof value === "number" || typeof value === "bigint" ? Number(value) : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? ageOf(value, nowMs) : null;
  }
}

/** As Go's fmt.Fprint and, of objects and arrays, json.Marshal. */
function textOf(value: unknown): string {
  if (value === null) return "<no value>";
  if (typeof value === "string") return value;
  return typeof value === "number" ? floatText(value) : goJsonOfMaps(value);
}

/** As Go's `%v`: with an exponent from a million on. */
function floatText(value: number): string {
  const [mantissa = "", exponent = ""] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** As amd64 converts a float64 to an int64. */
function truncated(value: number): bigint {
  const whole = BigInt(Math.trunc(value));
  return BigInt.asIntN(64, whole) === whole ? whole : -(2n ** 63n);
}

function ageOf(text: string, nowMs: number): string {
  if (text === "" || text === "null") return "<unknown>";
  const ms = parseRfc3339(text);
  if (ms === undefined) return "<invalid>";
  return ms === zeroTimeMs ? "<unknown>" : humanDuration(Math.max(-maxDurationMs, Math.min(maxDurationMs, nowMs - ms)));
}
