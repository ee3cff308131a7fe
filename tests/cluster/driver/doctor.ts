import { join } from "node:path";
import { type DoctorReport, readReport } from "../../testing/doctor_report.ts";
import { Child } from "./child.ts";
import { chosenRuntime } from "./hub.ts";

const PROJECT: string = join(import.meta.dirname, "..", "..", "..");
let runs = 0;

/** The words that start `holdfast doctor --json` with these flags. */
export function doctorWords(flags: Readonly<Record<string, string>>): readonly [string, ...string[]] {
  const runtime = chosenRuntime();
  return [
    join(PROJECT, "node_modules", ".bin", runtime),
    ...(runtime === "deno" ? ["run", "-A"] : []),
    join(PROJECT, "adapters", runtime, "main.ts"),
    "doctor",
    "--json",
    ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
  ];
}

/** Runs it to its end. @param dir for its output */
export async function runDoctor(dir: string, flags: Readonly<Record<string, string>>): Promise<DoctorReport> {
  const [program, ...args] = doctorWords(flags);
  const child = new Child({ name: "doctor", program, args, logFile: join(dir, `doctor-${++runs}.log`), cwd: PROJECT });
  const { code } = await child.ended;
  return readReport({ exitCode: code, stdout: child.log(), stderr: "" });
}
