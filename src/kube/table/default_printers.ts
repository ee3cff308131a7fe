import { AGE, type Column, NAME, nameOf, type TablePrinter } from "./table_printer.ts";

const CREATED_AT: Column = { ...AGE, name: "Created At", type: "date" };

/** For built-in resources for which the API server itself has no columns. */
export const CREATED_AT_TABLE: TablePrinter = {
  columns: [NAME, CREATED_AT],
  row: (object) => ({
    cells: [nameOf(object), object.at("metadata", "creationTimestamp").text("0001-01-01T00:00:00Z")],
  }),
};
