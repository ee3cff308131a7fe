import { parseArgs } from "node:util";
import { type Figure, isReached, ratioOf, shown } from "./figures.ts";
import { measureOutage } from "./outage_suite.ts";
import { verdict, writeMeasurement } from "./performance_page.ts";
import { measureReplica } from "./replica_suite.ts";
import { type Runtime, runtimes, versionOf } from "./runtimes.ts";

/*
 * `npm run bench -- [replica] [outage] [--runtime bun|node|deno|all] [--no-write] [--strict]`: measures, prints each figure
 * beside its control and writes the tables into docs/performance.md. With --strict it fails where a figure is missed.
 */
const page = new URL("../../docs/performance.md", import.meta.url);
const suites = new Map([["replica", measureReplica], ["outage", measureOutage]]);

process.exitCode = await main();
process.exit(); // sockets of the client may still be open

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runtime: { type: "string", default: process.env["HOLDFAST_RUNTIME"] ?? "bun" },
      "no-write": { type: "boolean", default: false },
      strict: { type: "boolean", default: false },
    },
  });
  const chosen = runtimes.filter((runtime) => values.runtime === "all" || values.runtime === runtime);
  const names = positionals.length > 0 ? positionals : ["replica"];
  const unknown = names.filter((name) => !suites.has(name));
  if (chosen.length === 0 || unknown.length > 0) {
    console.error(`Unknown ${chosen.length === 0 ? `runtime ${values.runtime}` : `suite ${unknown.join(" ")}`}`);
    return 2;
  }
  const missed: Figure[] = [];
  for (const [runtime, suite] of chosen.flatMap((runtime) => names.map((name) => [runtime, name] as const))) {
    const figures = await run(runtime, { suite, write: !values["no-write"] });
    missed.push(...figures.filter((figure) => isReached(figure) === false));
  }
  console.log(missed.length === 0 ? "All figures reached" : `${missed.length} figures missed`);
  return values.strict && missed.length > 0 ? 1 : 0;
}

interface Run {
  readonly suite: string;
  readonly write: boolean;
}

async function run(runtime: Runtime, { suite, write }: Run): Promise<readonly Figure[]> {
  const version = versionOf(runtime);
  const startedAt = performance.now();
  console.log(`${suite} on ${runtime} ${version}`);
  const figures = await suites.get(suite)?.(runtime, (more) => more.forEach(print)) ?? [];
  if (write) await writeMeasurement(page, { suite, runtime, version, figures });
  console.log(`${Math.round((performance.now() - startedAt) / 1_000)} s`);
  return figures;
}

function print(figure: Figure): void {
  const { name, unit, hub, control } = figure;
  const ratio = ratioOf(figure);
  const beside = control === undefined ? "" : ` (control ${shown(control, unit)}, ratio ${ratio?.toFixed(2)})`;
  console.log(`  ${name}: ${shown(hub, unit)}${beside} ${verdict(figure)}`);
}
