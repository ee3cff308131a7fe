import process from "node:process";
import { createLogger } from "../../adapters/shared/logger.ts";
import { createProcess } from "../../adapters/shared/process.ts";

/**
 * `log` writes one log line; `flood` writes 30 MB to whoever reads; `stop` waits to be stopped, twice; `keys` reads keys where
 * there is no terminal; `hangup` counts hang-ups.
 */
const port = createProcess();
const [, , what] = process.argv;
if (what === "log") {
  createLogger({ level: "info", format: "json" }).log("info", "logged");
} else if (what === "keys") {
  for await (const key of port.keys(new AbortController().signal)) port.stdout.write(key);
  port.stdout.write(`none, terminal ${port.stdout.isTerminal}, ${port.environment["HOME"] ?? ""}`);
} else if (what === "flood") {
  for (let count = 0; count < 30; count++) {
    port.stdout.write("x".repeat(1_000_000));
    await port.stdout.drained();
  }
  port.stderr.write("written");
} else if (what === "hangup") {
  process.stdin.on("end", () => process.exit(1)).resume();
  let count = 0;
  port.onHangup(() => port.stdout.write(`hangup ${++count}\n`));
  port.stdout.write("ready\n");
} else {
  // Goes on until it is stopped, or until the test that holds its input has gone.
  process.stdin.on("end", () => process.exit(1)).resume();
  port.stop.addEventListener("abort", () => port.stdout.write(`${String(port.stop.reason)}\n`));
  port.stdout.write("ready\n");
}
