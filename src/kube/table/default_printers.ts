import { AGE, ageOf, type Column, NAME, nameOf, type TablePrinter } from "./table_printer.ts";

const CREATED_AT: Column = { ...AGE, name: "Created At", type: "date" };

/** For built-in resources for which the API server itself has no columns. */
export const CREATED_AT_TABLE: TablePrinter = {
  columns: [NAME, CREATED_AT],
  row: (object) => ({
    cells: [nameOf(object), object.at("metadata", "creationTimestamp").text("0001-01-01T00:00:00Z")],
  }),
};

/** For custom resources, as they are where their definition names no columns. */
export const CUSTOM_TABLE: TablePrinter = {
  columns: [NAME, { ...AGE, type: "date" }],
  row: (object, nowMs) => {
    const hasAge = object.at("metadata", "creationTimestamp").exists;
    return { cells: [nameOf(object), hasAge ? ageOf(object, nowMs) : null] };
  },
};
