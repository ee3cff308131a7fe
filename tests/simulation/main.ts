import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import process from "node:process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { beyondPromises } from "./beyond_promises.ts";
import type { Violation } from "./oracle.ts";
import { commandOf } from "../testing/child_program.ts";
import { runSeed } from "./run_seed.ts";

/** What one process tells of one seed. */
interface SeedResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
}

const help = `npm run simulate -- [--seeds N] [--from S] [--hours H] [--workers W] [--ignore RULE,RULE]
npm run simulate -- --seed S [--trace] [--hours H]
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    hours: { type: "string" },
    workers: { type: "string", default: String(availableParallelism()) },
    ignore: { type: "string", default: beyondPromises.join(",") },
    trace: { type: "boolean", default: false },
    step: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
/** Bun's best compiler never stops compiling here: its threads took a quarter of the time, on the cores that the seeds need. */
const workerEnvironment = { BUN_JSC_useFTLJIT: "0" };
const lengthMs = values.hours === undefined ? undefined : Number(values.hours) * 3_600_000;
const options = {
  ignored: values.ignore.split(",").filter((rule) => rule !== ""),
  ...(lengthMs === undefined ? {} : { lengthMs }),
};

if (values.help) print(help);
else if (values.seed !== undefined) process.exitCode = await replay(Number(values.seed));
else if (values.step !== undefined) await work(Number(values.step));
else process.exitCode = await simulate(Math.max(1, Number(values.workers)));

async function replay(seed: number): Promise<number> {
  const trace = values.trace ? { trace: (line: string) => print(`${line}\n`) } : {};
  const violations = await runSeed({ ...options, ...trace, seed });
  for (const violation of violations) print(`${describe(violation)}\n`);
  print(`seed ${seed}: ${violations.length === 0 ? "no violation" : `${violations.length} violations`}\n`);
  return violations.length === 0 ? 0 : 1;
}

/** In a child process: every so many seeds from the first on, one line of JSON for each. */
async function work(step: number): Promise<void> {
  Error.stackTraceLimit = 0; // thousands of errors belong to a run, and nobody reads where they come from
  const end = Number(values.from) + Number(values.seeds);
  for (let seed = Number(values.from); seed < end; seed += step) {
    const result: SeedResult = { seed, violations: await runSeed({ ...options, seed }) };
    print(`${JSON.stringify(result)}\n`);
  }
  process.exit(0);
}

async function simulate(workers: number): Promise<number> {
  const startedAt = performance.now();
  const total = Number(values.seeds);
  const failed: SeedResult[] = [];
  let done = 0;
  const progress = setInterval(() => {
    const perSecond = done / ((performance.now() - startedAt) / 1_000);
    print(`${done} of ${total} seeds, ${failed.length} failed, ${perSecond.toFixed(1)} seeds/s\n`);
  }, 5_000);
  await Promise.all(Array.from({ length: workers }, (_, index) =>
    child(index, workers, (result) => {
      done++;
      if (result.violations.length === 0) return;
      failed.push(result);
      if (failed.length <= 20) print(report(result));
    })));
  clearInterval(progress);
  const seconds = (performance.now() - startedAt) / 1_000;
  const [pace, each] = [(done / seconds).toFixed(1), (seconds * 1_000 * workers / Math.max(1, done)).toFixed(0)];
  print(`${done} of ${total} seeds in ${seconds.toFixed(1)} s (${pace}/s, ${each} ms each on ${workers} cores)\n`);
  print(summary(failed));
  return done === total && failed.length === 0 ? 0 : 1;
}

function child(index: number, workers: number, take: (result: SeedResult) => void): Promise<void> {
  const total = Number(values.seeds);
  const from = Number(values.from) + index;
  const args = ["--step", String(workers), "--from", String(from), "--seeds", String(Math.max(0, total - index))];
  if (values.hours !== undefined) args.push("--hours", values.hours);
  args.push("--ignore", values.ignore);
  const [command, ...words] = commandOf(new URL(import.meta.url), args);
  const env = { ...process.env, ...workerEnvironment };
  const program = spawn(command, words, { stdio: ["ignore", "pipe", "inherit"], env });
  // Not checked: it comes from this very program.
  createInterface({ input: program.stdout }).on("line", (line) => take(JSON.parse(line) as SeedResult));
  return new Promise((resolve) => program.on("close", () => resolve()));
}

function report({ seed, violations }: SeedResult): string {
  const [first] = violations;
  return `FAILED seed ${seed}: ${
    first === undefined ? "" : describe(first)
  }\n  replay: npm run simulate -- --seed ${seed} --trace\n`;
}

function summary(failed: readonly SeedResult[]): string {
  const byRule = new Map<string, number[]>();
  for (const { seed, violations } of failed) {
    const rule = violations[0]?.rule ?? "";
    byRule.set(rule, [...byRule.get(rule) ?? [], seed]);
  }
  const lines = [...byRule].map(([rule, seeds]) =>
    `  ${rule}: ${seeds.length} seeds, such as ${seeds.toSorted((a, b) => a - b).slice(0, 8).join(" ")}`
  );
  return [`${failed.length} seeds failed`, ...lines, ""].join("\n");
}

function describe({ rule, atMs, message }: Violation): string {
  return `[${rule}] at ${atMs} ms: ${message}`;
}

function print(text: string): void {
  process.stdout.write(text);
}
