import {
  encodeColumns,
  type PrinterColumns,
  readDefinition,
  readDefinitionMetadata,
} from "../kube/table/printer_columns.ts";
import { askAs, type AskingContext } from "./ask_as.ts";

/**
 * `none`: there is no such CustomResourceDefinition, `refused`: the node may not get it, `unchanged`: it is as it was,
 * `unusable`: it cannot be read, or declares too much, `unknown`: no answer of use came.
 */
export type ColumnsAnswer = PrinterColumns | "none" | "refused" | "unchanged" | "unusable" | "unknown";

export interface AskedColumns {
  /** `widgets.example.com` */
  readonly name: string;
  readonly known: PrinterColumns | undefined;
}

/** A definition holds schemas, most of all. */
const maxDefinitionBytes = 16 * 1024 * 1024;
/** Of all columns of a definition, as they are kept. */
export const maxColumnsBytes: number = 64 * 1024;
/** Over a narrow line a definition may take long. */
const definitionMs = 60_000;
const metadataAccept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/** @param name `widgets.example.com` */
export function definitionPath(name: string): string {
  return `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${encodeURIComponent(name)}`;
}

/**
 * Asks the cloud, as the node, which columns a CustomResourceDefinition declares. Where they are known only its metadata is
 * asked for, as long as that is of the same generation. Never rejects.
 */
export async function askForColumns(context: AskingContext, { name, known }: AskedColumns): Promise<ColumnsAnswer> {
  const ask = async (accept: string, read: (text: string) => ColumnsAnswer): Promise<ColumnsAnswer> => {
    const asked = { method: "GET", rawPath: definitionPath(name), accept } as const;
    const answer = await askAs(context, { ...asked, maxAnswerBytes: maxDefinitionBytes, limitMs: definitionMs });
    if (answer?.status === 200) return read(answer.text);
    return answer?.status === 403 ? "refused" : answer?.status === 404 ? "none" : "unknown";
  };
  if (known !== undefined) {
    const answer = await ask(metadataAccept, (text) => (isOf(known, text) ? "unchanged" : "unusable"));
    if (answer !== "unusable") return answer;
  }
  return await ask("application/json", (text) => {
    const columns = readDefinition(text);
    return columns === undefined || encodeColumns(columns).length > maxColumnsBytes ? "unusable" : columns;
  });
}

function isOf({ uid, generation }: PrinterColumns, text: string): boolean {
  const metadata = readDefinitionMetadata(text);
  return metadata?.uid === uid && metadata.generation === generation;
}
