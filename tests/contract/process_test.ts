import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { createProcess } from "../../adapters/shared/process.ts";
import { startProgram } from "../testing/child_program.ts";

const url = new URL("../testing/process_program.ts", import.meta.url);

describe("ProcessPort", () => {
  for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    it(`stop is aborted at ${signal}, and a second one ends the process with ${exitCode}`, async () => {
      const program = startProgram(url, ["stop"]);
      await program.waitFor("ready");
      program.kill(signal);
      await program.waitFor(`Stopped by ${signal}`);
      program.kill(signal);
      assert.deepEqual(await program.ended, { exitCode, stderr: "" });
    });
  }

  it("keys ends at once where standard input is no terminal", async () => {
    const program = startProgram(url, ["keys"]);
    assert.deepEqual(await program.ended, { exitCode: 0, stderr: "" });
    assert.equal(program.output(), `none, terminal false, ${process.env["HOME"] ?? ""}`);
  });

  it("createProcess takes no signal over before stop is read", () => {
    const before = process.listenerCount("SIGINT");
    const { uid } = createProcess();
    assert.equal(process.listenerCount("SIGINT"), before);
    assert.equal(uid, process.geteuid?.());
  });
});
