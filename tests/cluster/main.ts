import { parseArgs } from "node:util";
import { stayUp } from "./stay_up.ts";
import { runTests } from "./run_tests.ts";

const USAGE = `usage: main.ts                        a cluster with a hub and a node, until SIGINT
       main.ts test [--all] [FILE…]   the tests: all on Bun, the smoke tests on Node and Deno; --all: all on all three`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { all: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
});
const [command, ...files] = positionals;
if (values.help || (command !== undefined && command !== "test")) {
  console.error(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else if (command === "test") process.exitCode = await runTests({ all: values.all, files });
else await stayUp();
