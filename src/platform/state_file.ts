/** A small state in one file that people can read: JSON. */
export interface StateFile {
  /** What the file held when it was opened, or what was written since; missing where there was none. Not checked. */
  readonly content: unknown;
  /** Replaces the content, durably; one after the other. @throws FileError */
  write(content: Readonly<Record<string, unknown>>): Promise<void>;
}

/**
 * Reads the file, which is made at the first write.
 *
 * @throws FileError; SyntaxError where it is no JSON
 */
export type OpenStateFile = (path: string) => Promise<StateFile>;
