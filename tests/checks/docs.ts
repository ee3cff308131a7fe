import { type CommandOutcome, runCommand } from "./run_command.ts";

/**
 * Has `deno doc --lint` look at `entry`. What counts: a type of somebody else in the public API, and an export without
 * a docstring. A member whose name and type say everything needs none.
 */
export async function checkDocs(entry: string): Promise<CommandOutcome> {
  const { exitCode, output } = await runCommand(["deno", "doc", "--quiet", "--lint", entry]);
  if (exitCode === 0) return { exitCode: 0, output: "" };
  const errors = output.split(/^(?=error)/m).filter((part) => part.startsWith("error["));
  // Without any lint error it is the linter that failed, and that counts as well.
  if (errors.length === 0) return { exitCode, output };
  const counted = errors.filter((error) => !isUndocumentedMember(error));
  return { exitCode: counted.length === 0 ? 0 : 1, output: counted.join("") };
}

function isUndocumentedMember(error: string): boolean {
  return error.startsWith("error[missing-jsdoc]") && !/^ *\d+ \| (export|declare) /m.test(error);
}
