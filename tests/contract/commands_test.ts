import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { COMMAND_OUTPUT_BYTES_MAX, commands } from "../../adapters/shared/commands.ts";
import { CommandError } from "../../src/platform/commands.ts";
import { keepAlive } from "../testing/keep_alive.ts";
import { withTempFolder } from "../testing/temp_folder.ts";

const never = new AbortController().signal;
const options = { timeoutMs: 10_000, signal: never };

describe("Commands", () => {
  it("run gives exit code and both outputs", async () => {
    const result = await commands.run("sh", ["-c", "echo out; echo err >&2; exit 3"], options);
    assert.deepEqual(result, { exitCode: 3, stdout: "out\n", stderr: "err\n" });
  });

  it("run hands arguments over as they are, without a shell", async () => {
    const args = ["$HOME", "a b", ";", "*", "'\""];
    const { stdout } = await commands.run("printf", ["%s\n", ...args], options);
    assert.equal(stdout, `${args.join("\n")}\n`);
  });

  it("run writes standard input, also to a program that reads none", async () => {
    const stdin = "line\n".repeat(50_000);
    assert.equal((await commands.run("cat", [], { ...options, stdin })).stdout, stdin);
    assert.equal((await commands.run("true", [], { ...options, stdin })).exitCode, 0);
    assert.equal((await commands.run("cat", [], options)).stdout, "");
  });

  it("run ends a program that takes longer than the time limit", async () => {
    const startMs = performance.now();
    const run = commands.run("sh", ["-c", "sleep 30 & sleep 30"], { ...options, timeoutMs: 100 });
    await assert.rejects(keepAlive(run), isFailure("timeout"));
    assert.ok(performance.now() - startMs < 5_000);
  });

  it("run kills the program itself at the time limit", () =>
    withTempFolder(async (folder) => {
      const pidFile = join(folder, "pid");
      const run = commands.run("sh", ["-c", `echo $$ > ${pidFile}; exec sleep 30`], { ...options, timeoutMs: 300 });
      await assert.rejects(keepAlive(run), isFailure("timeout"));
      const { exitCode } = await commands.run("sh", [
        "-c",
        `for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 $(cat ${pidFile}) 2>/dev/null || exit 0; sleep 0.1; done; exit 1`,
      ], options);
      assert.equal(exitCode, 0);
    }));

  it("run ends a program when its signal is aborted, and starts none after that", async () => {
    const controller = new AbortController();
    const run = commands.run("sleep", ["30"], { ...options, signal: controller.signal });
    controller.abort();
    await assert.rejects(run, isFailure("aborted"));
    await assert.rejects(commands.run("true", [], { ...options, signal: controller.signal }), isFailure("aborted"));
  });

  it("run tells a missing program from one that may not be run", () =>
    withTempFolder(async (folder) => {
      await assert.rejects(commands.run("holdfast-no-such-program", [], options), isFailure("missing"));
      await writeFile(join(folder, "plain"), "text", { mode: 0o600 });
      await assert.rejects(commands.run(join(folder, "plain"), [], options), isFailure("denied"));
    }));

  it("run fails where a program is ended by a signal", async () => {
    await assert.rejects(commands.run("sh", ["-c", "kill -9 $$"], options), isFailure("failed"));
  });

  it("run takes output up to its limit and ends a program that writes more", async () => {
    const write = (bytes: number): Promise<{ readonly stdout: string }> =>
      commands.run("head", ["-c", `${bytes}`, "/dev/zero"], options);
    assert.equal((await write(COMMAND_OUTPUT_BYTES_MAX)).stdout.length, COMMAND_OUTPUT_BYTES_MAX);
    await assert.rejects(write(COMMAND_OUTPUT_BYTES_MAX + 1), isFailure("failed"));
    await assert.rejects(commands.run("cat", ["/dev/zero"], options), isFailure("failed"));
  });
});

function isFailure(failure: CommandError["failure"]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof CommandError && error.failure === failure, String(error));
    return true;
  };
}
