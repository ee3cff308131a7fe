import assert from "node:assert/strict";
import process from "node:process";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { createProcess } from "../../adapters/shared/process.ts";
import { createTextOutput, STANDARD_OUTPUT_BYTES_MAX, type TextStream } from "../../adapters/shared/standard_output.ts";
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

  it("onHangup calls back at each SIGHUP, which ends nothing", async () => {
    const program = startProgram(url, ["hangup"]);
    await program.waitFor("ready");
    for (const count of [1, 2]) {
      program.kill("SIGHUP");
      await program.waitFor(`hangup ${count}`);
    }
    program.kill("SIGKILL");
    await program.ended;
  });

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

describe("createTextOutput", () => {
  it("write drops what a slow reader leaves waiting past the limit, and tells how much", () => {
    const written: string[] = [];
    let go: () => void = () => undefined;
    const stream = new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => {
        written.push(text);
        go = done;
      },
    });
    // A Writable has the three members that are used.
    const output = createTextOutput(stream as unknown as TextStream);
    output.write("first\n");
    output.write("x".repeat(STANDARD_OUTPUT_BYTES_MAX));
    for (let count = 0; count < 3; count++) output.write("dropped\n");
    assert.ok(stream.writableLength <= STANDARD_OUTPUT_BYTES_MAX + 6);
    go();
    while (stream.writableLength > 0) go();
    output.write("after\n");
    while (stream.writableLength > 0) go();
    assert.deepEqual(written.filter((text) => text.length < 100), [
      "first\n",
      "3 writes were dropped: the reader is too slow\n",
      "after\n",
    ]);
  });

  it("drained resolves when the reader has all, and when it has gone away", async () => {
    const program = startProgram(url, ["flood"]);
    await program.waitForError("written");
    await program.ended;
    assert.equal(program.output().length, 30_000_000);
    const left = startProgram(url, ["flood"]);
    await left.waitFor("x");
    left.child.stdout?.destroy();
    await left.waitForError("written");
    assert.equal((await left.ended).exitCode, 0);
  });

  it("write survives a reader that has gone away", async () => {
    const program = startProgram(url, ["stop"]);
    await program.waitFor("ready");
    program.child.stdout?.destroy();
    // Two signals at once are one for the receiver: it is asked until it ends, by the second that it sees.
    const again = setInterval(() => program.child.exitCode === null && program.kill("SIGTERM"), 50);
    const { exitCode, stderr } = await program.ended;
    clearInterval(again);
    assert.deepEqual({ exitCode, stderr }, { exitCode: 143, stderr: "" });
  });
});
