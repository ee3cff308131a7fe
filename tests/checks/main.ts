import process from "node:process";
import { checkDocs } from "./docs.ts";
import { checkImports } from "./imports.ts";
import { checkPackageShape } from "./package_shape.ts";
import { type CommandOutcome, ROOT, runCommand } from "./run_command.ts";

interface Step {
  /** One word to ask for it by: `npm run check -- lint imports`. */
  readonly name: string;
  readonly claim: string;
  readonly run: () => Promise<CommandOutcome>;
}

/** Cheapest first. */
const STEPS: readonly Step[] = [
  command("format", "Every file is formatted", ["deno", "fmt", "--check"]),
  { name: "imports", claim: "Imports go down only, and src names no runtime", run: imports },
  command("lint", "No floating promise, no any, nothing too long", ["oxlint", "--type-aware", "--deny-warnings"]),
  command("core", "The core compiles without any runtime", ["tsc", "-p", "src"]),
  command("types", "Adapters and tests compile for Node and Bun", ["tsc", "-p", "."]),
  command("deno", "The library and the command compile for Deno", ["deno", "check", "mod.ts", "adapters/deno/main.ts"]),
  command("unused", "Every file, export and dependency is used", ["knip"]),
  {
    name: "docs",
    claim: "Every export of the library is documented and owns its types",
    run: () => checkDocs("mod.ts"),
  },
  command("jsr", "The library could be published on JSR", ["deno", "publish", "--dry-run", "--allow-dirty"]),
  { name: "package", claim: "The npm package has the shape that it says", run: checkPackageShape },
];

process.exitCode = await check(process.argv.slice(2));

async function check(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0) {
    console.error(`No such check: ${unknown.join(", ")}. There are ${STEPS.map((step) => step.name).join(", ")}`);
    return 2;
  }
  const steps = STEPS.filter((step) => names.length === 0 || names.includes(step.name));
  const failed: string[] = [];
  for (const step of steps) {
    if (!(await passes(step))) failed.push(step.name);
  }
  console.log(`check: ${steps.length - failed.length} passed, ${failed.length} failed ${failed.join(" ")}`.trimEnd());
  return failed.length === 0 ? 0 : 1;
}

async function passes(step: Step): Promise<boolean> {
  console.log(`--- ${step.name}: ${step.claim}`);
  const startedAt = performance.now();
  const { exitCode, output } = await step.run();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (exitCode !== 0) console.log(output.trimEnd());
  console.log(exitCode === 0 ? `    ok (${seconds} s)` : `    FAILED: ${step.name} (${seconds} s)`);
  return exitCode === 0;
}

function command(name: string, claim: string, words: readonly string[]): Step {
  return { name, claim, run: () => runCommand(words) };
}

function imports(): Promise<CommandOutcome> {
  const violations = checkImports(ROOT);
  return Promise.resolve({ exitCode: violations.length === 0 ? 0 : 1, output: violations.join("\n") });
}
