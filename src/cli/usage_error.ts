/** The command line, the environment or the configuration file is wrong; the message names what and where. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
