/**
 * Types of single values. `time` and `microTime` are messages of seconds and nanoseconds, texts in JSON; `fieldsV1` is a
 * message that holds JSON.
 */
export type ScalarType = "string" | "bool" | "int32" | "int64" | "time" | "microTime" | "fieldsV1";

/**
 * When Go writes a field (gogo's generated code, and the `json` tag).
 *
 * - `value`: always in protobuf, in JSON unless it is empty
 * - `written`: always in both
 * - `pointer`: where it is set
 * - `nullable`: where it is set; in JSON else as null
 */
export type Presence = "value" | "written" | "pointer" | "nullable";

export interface Field {
  readonly number: number;
  /** In JSON. */
  readonly name: string;
  readonly type: ScalarType | MessageSchema;
  /** `map` is one of texts to texts. Lists and maps are present where they hold something. */
  readonly shape: "one" | "list" | "map";
  readonly presence: Presence;
}

/** The fields of a message in the order in which its JSON has them. */
export type MessageSchema = readonly Field[];

type Type = Field["type"];

/** Always in protobuf, in JSON unless it is empty. */
export function value(number: number, name: string, type: Type = "string"): Field {
  return { number, name, type, shape: "one", presence: "value" };
}

/** Always in both. */
export function written(number: number, name: string, type: Type = "string"): Field {
  return { number, name, type, shape: "one", presence: "written" };
}

/** In both where it is set. */
export function pointer(number: number, name: string, type: Type = "string"): Field {
  return { number, name, type, shape: "one", presence: "pointer" };
}

/** As `pointer`, but null in JSON where it is not set. */
export function nullable(number: number, name: string, type: Type = "string"): Field {
  return { number, name, type, shape: "one", presence: "nullable" };
}

export function list(number: number, name: string, type: Type = "string"): Field {
  return { number, name, type, shape: "list", presence: "pointer" };
}

/** As `list`, but null in JSON where it is empty. */
export function nullableList(number: number, name: string, type: Type = "string"): Field {
  return { number, name, type, shape: "list", presence: "nullable" };
}

/** Texts by texts. */
export function map(number: number, name: string): Field {
  return { number, name, type: "string", shape: "map", presence: "pointer" };
}
