import type { RequestInfo } from "../kube/request_info.ts";
import { isBuiltinGroup, type Query } from "../kube/resources.ts";
import { customPrinter } from "../kube/table/custom_printer.ts";
import { decodeColumns, encodeColumns, type PrinterColumns } from "../kube/table/printer_columns.ts";
import type { TablePrinter } from "../kube/table/table_printer.ts";
import type { Platform } from "../platform/platform.ts";
import type { Replica } from "../replica/replica.ts";
import { askForColumns, definitionPath } from "./ask_for_columns.ts";
import type { AskingContext } from "./ask_as.ts";
import { Looks } from "./looks.ts";

export interface CustomColumnsOptions extends AskingContext {
  readonly platform: Pick<Platform, "clock" | "random">;
  readonly replica: Replica;
}

/** A definition is seldom changed. */
const refreshMs = 60 * 60_000;
/** What came to nothing, or was refused, is asked for again. */
const againMs = 10 * 60_000;

/** What is known of the definition of one custom resource. */
interface Known {
  /** Missing where the cloud has none. */
  readonly columns: PrinterColumns | undefined;
  /** When the cloud was asked last. Milliseconds since 1970. */
  readonly askedAt: number;
  readonly askAgainMs: number;
  /** By version of the API. */
  readonly printers: Map<string, TablePrinter>;
}

type Learnt = Pick<Known, "columns" | "askedAt"> & Partial<Pick<Known, "askAgainMs">>;

/**
 * Which columns the custom resources have that this node holds, by their CustomResourceDefinitions: for Tables that the hub
 * prints itself. Each definition is read once, as the node, when the first object or list of its resource is held, and
 * then only looked at for changes. What is needed of it is kept among the documents.
 */
export class CustomColumns {
  readonly #options: CustomColumnsOptions;
  readonly #known = new Map<string, Known>();
  /** Hubs that began together do not ask together. */
  readonly #stretch: number;
  /** The resources whose definitions the node may not get. */
  readonly #refused = new Set<string>();
  readonly #looks: Looks;

  constructor(options: CustomColumnsOptions) {
    this.#options = options;
    const { platform: { clock, random }, link, logger } = options;
    this.#stretch = 1 + random.float() / 4;
    this.#looks = new Looks({ clock, link, logger, look: () => this.look() });
  }

  /** Takes back what is kept of the resources that are held. */
  async restore(): Promise<void> {
    for (const name of this.#held().keys()) await this.#load(name);
  }

  /** Looks from now on, again and again. */
  start(): void {
    this.#looks.start();
  }

  async close(): Promise<void> {
    await this.#looks.close();
  }

  /** Why columns of custom resources are not known; nothing where they are, or none are held. */
  get problem(): string | undefined {
    if (this.#refused.size === 0) return undefined;
    const names = [...this.#refused].toSorted().join(", ");
    return `the node may not get customresourcedefinitions, which name the columns of ${names}`;
  }

  /** How a custom resource is shown; nothing where that is not known. */
  printerOf({ group, version, resource }: Pick<Query, "group" | "version" | "resource">): TablePrinter | undefined {
    const known = this.#known.get(`${resource}.${group}`);
    const made = known?.printers.get(version);
    if (made !== undefined || known?.columns === undefined) return made;
    if (!Object.hasOwn(known.columns.versions, version)) return undefined;
    const printer = customPrinter(known.columns.versions[version] ?? []);
    known.printers.set(version, printer);
    return printer;
  }

  /** Notes that something is asked for: if that is a custom resource, it may be held in a moment. */
  noted({ isResource, group, resource }: RequestInfo): void {
    if (isResource && !isBuiltinGroup(group) && !this.#known.has(`${resource}.${group}`)) this.#looks.soon();
  }

  /** Learns the columns of the custom resources that are held, as far as that is due. */
  async look(): Promise<void> {
    const held = this.#held();
    for (const name of this.#known.keys()) if (!held.has(name)) this.#forget(name);
    for (const [name, versions] of held) {
      if (!this.#known.has(name)) await this.#load(name);
      if (this.#isDue(name, versions)) await this.#ask(name);
    }
  }

  /** The custom resources of which there is something, with their versions. */
  #held(): ReadonlyMap<string, ReadonlySet<string>> {
    const held = new Map<string, Set<string>>();
    const add = ({ group, version, resource }: Pick<Query, "group" | "version" | "resource">) => {
      if (isBuiltinGroup(group)) return;
      const name = `${resource}.${group}`;
      held.set(name, (held.get(name) ?? new Set()).add(version));
    };
    for (const { query, synced } of this.#options.replica.collections()) if (synced) add(query);
    for (const [path] of this.#options.replica.records.entries()) add(path);
    return held;
  }

  async #load(name: string): Promise<void> {
    const { replica, logger } = this.#options;
    try {
      const document = await replica.documents.load(question(name));
      const columns = document === undefined ? undefined : decodeColumns(document.body);
      if (document !== undefined) this.#enter(name, { columns, askedAt: document.savedAt });
    } catch (error) {
      logger.log("error", "The columns of a custom resource cannot be read", { name, error: String(error) });
    }
  }

  #isDue(name: string, versions: ReadonlySet<string>): boolean {
    const { link, closed, platform } = this.#options;
    if (link.state !== "online" || closed.aborted) return false;
    const now = platform.clock.now();
    const isOver = (sinceMs: number, spanMs: number) => now < sinceMs || now - sinceMs >= spanMs * this.#stretch;
    const known = this.#known.get(name);
    if (known === undefined) return true;
    const { columns, askedAt, askAgainMs } = known;
    // A version that the definition did not have may be there now.
    const isNew = columns !== undefined && [...versions].some((version) => !Object.hasOwn(columns.versions, version));
    return isOver(askedAt, isNew ? againMs : askAgainMs);
  }

  async #ask(name: string): Promise<void> {
    const { replica, platform, link, logger } = this.#options;
    const known = this.#known.get(name)?.columns;
    const answer = await askForColumns(this.#options, { name, known });
    if (answer === "unknown" && link.state !== "online") return;
    const askedAt = platform.clock.now();
    if (answer === "refused") this.#refuse(name);
    else this.#refused.delete(name);
    if (answer === "refused" || answer === "unknown") {
      return this.#enter(name, { columns: known, askedAt, askAgainMs: againMs });
    }
    if (answer === "unusable") logger.log("warn", "The columns of a custom resource cannot be used", { name });
    const columns = answer === "unchanged" ? known : typeof answer === "string" ? undefined : answer;
    this.#enter(name, { columns, askedAt });
    if (columns === undefined) return replica.documents.remove(question(name));
    replica.documents.save(question(name), { savedAt: askedAt, rawHeaders: [], body: encodeColumns(columns) });
  }

  #refuse(name: string): void {
    const isFirst = this.#refused.size === 0;
    this.#refused.add(name);
    if (isFirst) this.#options.logger.log("warn", "Columns of custom resources are off", { why: this.problem });
  }

  #forget(name: string): void {
    this.#known.delete(name);
    this.#refused.delete(name);
  }

  #enter(name: string, { columns, askedAt, askAgainMs = refreshMs }: Learnt): void {
    const before = this.#known.get(name);
    const printers = before?.columns === columns ? before?.printers : undefined;
    this.#known.set(name, { columns, askedAt, askAgainMs, printers: printers ?? new Map<string, TablePrinter>() });
  }
}

/** Among documents: no client can ask that. */
function question(name: string): string {
  return `${definitionPath(name)} columns`;
}
