import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLogger } from "../../adapters/shared/logger.ts";
import { LOG_ITEMS_MAX, LOG_TEXT_LENGTH_MAX } from "../../adapters/shared/log_fields.ts";
import type { Logger, LoggerOptions, LogLevel } from "../../src/platform/logger.ts";
import { startProgram } from "../testing/child_program.ts";

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

describe("Logger", () => {
  it("log writes one line of JSON with time, level, message and fields", () => {
    const [logger, lines] = createTestLogger({ level: "info", format: "json" });
    logger.log("warn", "Cloud is out of reach", { backend: "10.0.0.1:6443", attempts: 3, tls: true, none: undefined });
    assert.deepEqual(lines.map((line): unknown => JSON.parse(line)), [{
      time: "2026-01-02T03:04:05.006Z",
      level: "warn",
      message: "Cloud is out of reach",
      fields: { backend: "10.0.0.1:6443", attempts: 3, tls: true },
    }]);
    assert.ok(lines[0]?.endsWith("}\n"));
  });

  it("log writes one line of text whatever is in message and fields", () => {
    const [logger, lines] = createTestLogger({ level: "info", format: "text" });
    logger.log("info", "Two\nlines", { path: "/api/v1/pods", empty: "", odd: 'a "b"\n=', list: [1, "x"] });
    assert.deepEqual(lines, [
      '2026-01-02T03:04:05.006Z INFO  Two lines path=/api/v1/pods empty="" odd="a \\"b\\"\\n=" list=[1,"x"]\n',
    ]);
  });

  for (const [rank, level] of LEVELS.entries()) {
    it(`log at level ${level} leaves out what is below, as enabled tells`, () => {
      const [logger, lines] = createTestLogger({ level, format: "json" });
      for (const each of LEVELS) logger.log(each, each);
      assert.deepEqual(lines.map((line) => parseLine(line).level), LEVELS.slice(rank));
      assert.deepEqual(LEVELS.filter((each) => logger.enabled(each)), LEVELS.slice(rank));
    });
  }

  it("log asks for its level at each line, where that is a function", () => {
    let level: LogLevel = "info";
    const [logger, lines] = createTestLogger({ level: () => level, format: "json" });
    logger.log("debug", "before");
    level = "debug";
    assert.equal(logger.enabled("debug"), true);
    logger.log("debug", "between");
    level = "error";
    logger.log("warn", "after");
    assert.deepEqual(lines.map((line) => parseLine(line).message), ["between"]);
  });

  it("createLogger gives each logger its own level and format", () => {
    const [debug, debugLines] = createTestLogger({ level: "debug", format: "json" });
    const [error, errorLines] = createTestLogger({ level: "error", format: "text" });
    for (const logger of [debug, error]) logger.log("info", "hello");
    assert.equal(debugLines.length, 1);
    assert.equal(errorLines.length, 0);
  });

  for (const format of ["json", "text"] as const) {
    it(`log (${format}) never writes a credential, by name or by form, at any depth`, () => {
      const [logger, lines] = createTestLogger({ level: "debug", format });
      const webToken = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlIn0.hunter2-c2lnbmF0dXJl";
      logger.log("error", `Refused Bearer hunter2.hunter2`, {
        authorization: "hunter2",
        headers: { "Proxy-Authorization": "hunter2", "set-cookie": ["hunter2"], Cookie: "hunter2" },
        token: "hunter2",
        access_token: "hunter2",
        clientKey: "hunter2",
        password: { nested: "hunter2" },
        url: `https://host/?x=${webToken}`,
        reason: new Error(`upstream said Authorization: bearer hunter2hunter2`, { cause: new Error(webToken) }),
        bytes: new TextEncoder().encode("hunter2"),
      });
      assert.equal(lines.length, 1);
      assert.doesNotMatch(lines[0] ?? "", /hunter2/);
      assert.match(lines[0] ?? "", /\[redacted\]/);
    });
  }

  it("log opens errors with their cause and own fields", () => {
    const [logger, lines] = createTestLogger({ level: "info", format: "json" });
    const error = Object.assign(new TypeError("outer", { cause: new Error("inner") }), { failure: "refused" });
    logger.log("error", "Failed", { error });
    assert.deepEqual(parseLine(lines[0]).fields["error"], {
      name: "TypeError",
      message: "outer",
      failure: "refused",
      cause: { name: "Error", message: "inner" },
    });
  });

  it("log bounds what it writes of circular, deep, long and odd values", () => {
    const [logger, lines] = createTestLogger({ level: "info", format: "json" });
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const long = "x".repeat(LOG_TEXT_LENGTH_MAX * 10);
    const many = Array.from({ length: LOG_ITEMS_MAX * 10 }, (_, index) => index);
    logger.log("info", "Odd", {
      circular,
      long,
      many,
      big: 2n ** 70n,
      nan: NaN,
      fn: () => 1,
      at: new Date(0),
      nothing: null,
    });
    const { circular: opened, long: cut, many: first, ...rest } = parseLine(lines[0]).fields;
    assert.equal(cut, `${long.slice(0, LOG_TEXT_LENGTH_MAX)}…`);
    assert.deepEqual(first, many.slice(0, LOG_ITEMS_MAX));
    assert.match(JSON.stringify(opened), /\[nested\]/);
    assert.deepEqual(rest, {
      big: "1180591620717411303424",
      nan: "NaN",
      fn: "[function]",
      at: "1970-01-01T00:00:00.000Z",
      nothing: null,
    });
  });

  it("createLogger writes to standard error", async () => {
    const program = startProgram(new URL("../testing/process_program.ts", import.meta.url), ["log"]);
    const { exitCode, stderr } = await program.ended;
    assert.equal(exitCode, 0);
    assert.equal(parseLine(stderr).message, "logged");
    assert.equal(program.output(), "");
  });
});

interface ParsedLine {
  readonly level: unknown;
  readonly message: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
}

function parseLine(line: string | undefined): ParsedLine {
  // A line of another shape fails the assertion that reads it.
  return JSON.parse(line ?? "") as ParsedLine;
}

function createTestLogger(options: LoggerOptions): readonly [Logger, readonly string[]] {
  const lines: string[] = [];
  const now = (): number => Date.UTC(2026, 0, 2, 3, 4, 5, 6);
  return [createLogger({ ...options, now, write: (line) => lines.push(line) }), lines];
}
