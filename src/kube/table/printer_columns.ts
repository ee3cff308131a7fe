import { z } from "zod";

/** A column as a CustomResourceDefinition declares it. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly jsonPath: string;
  readonly format?: string | undefined;
  readonly description?: string | undefined;
  readonly priority?: number | undefined;
}

/** What Tables of a custom resource need of its definition. */
export interface PrinterColumns {
  /** Of the definition, which has another generation after each change of its columns. */
  readonly uid: string;
  readonly generation: number;
  /** By version of the API; empty where it declares none. */
  readonly versions: Readonly<Record<string, readonly PrinterColumn[]>>;
}

const columnSchema = z.object({
  name: z.string(),
  type: z.enum(["string", "integer", "number", "boolean", "date"]),
  jsonPath: z.string(),
  format: z.string().optional(),
  description: z.string().optional(),
  priority: z.number().optional(),
});
const metadataSchema = z.object({ uid: z.string(), generation: z.number().default(0) });
const definitionSchema = z.object({
  metadata: metadataSchema,
  spec: z.object({
    versions: z.array(z.object({ name: z.string(), additionalPrinterColumns: z.array(columnSchema).default([]) })),
  }),
});
const columnsSchema = z.object({
  uid: z.string(),
  generation: z.number(),
  versions: z.record(z.string(), z.array(columnSchema)),
});

/** Reads an apiextensions.k8s.io/v1 CustomResourceDefinition. @returns nothing where it is none */
export function readDefinition(text: string): PrinterColumns | undefined {
  const definition = definitionSchema.safeParse(parse(text)).data;
  if (definition === undefined) return undefined;
  const { metadata, spec } = definition;
  const versions = spec.versions.map(({ name, additionalPrinterColumns }) => [name, additionalPrinterColumns] as const);
  return { ...metadata, versions: Object.fromEntries(versions) };
}

/** Reads of which definition some PartialObjectMetadata is. @returns nothing where it is none */
export function readDefinitionMetadata(text: string): Pick<PrinterColumns, "uid" | "generation"> | undefined {
  return z.object({ metadata: metadataSchema }).safeParse(parse(text)).data?.metadata;
}

/** Columns as they are kept: JSON. */
export function encodeColumns(columns: PrinterColumns): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(columns));
}

/** @returns nothing where that is none of them */
export function decodeColumns(bytes: Uint8Array): PrinterColumns | undefined {
  return columnsSchema.safeParse(parse(new TextDecoder().decode(bytes))).data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no schema takes it
  }
}
