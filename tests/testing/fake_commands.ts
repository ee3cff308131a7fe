import { CommandError, type Commands } from "../../src/platform/commands.ts";

/** What a program answers: its output, or what is wrong. */
export type ProgramAnswer = string | { readonly error: string } | CommandError;

export interface FakeCommands extends Commands {
  /** As they were run: `program arg arg`, with what they were given in the lines below. */
  readonly lines: string[];
}

/** Programs that are played by a function. */
export function fakeCommands(play: (line: string, stdin: string) => ProgramAnswer): FakeCommands {
  const lines: string[] = [];
  return {
    lines,
    run: (program, args, { stdin = "", signal }) => {
      if (signal.aborted) return Promise.reject(new CommandError("aborted", `Cannot run ${program}: aborted`));
      const line = [program, ...args].join(" ");
      lines.push(stdin === "" ? line : `${line}\n${stdin}`);
      const answer = play(line, stdin);
      if (answer instanceof CommandError) return Promise.reject(answer);
      if (typeof answer === "string") return Promise.resolve({ exitCode: 0, stdout: answer, stderr: "" });
      return Promise.resolve({ exitCode: 1, stdout: "", stderr: answer.error });
    },
  };
}
