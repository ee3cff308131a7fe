import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolve, resolveWith } from "../../adapters/shared/resolve.ts";
import { ResolveError } from "../../src/platform/resolve.ts";
import { keepAlive } from "../testing/keep_alive.ts";

const never = new AbortController().signal;
const options = { timeoutMs: 10_000, signal: never };
/** Longer than a label may be (RFC 1035, section 2.3.4): no name server is asked. */
const noName = `${"x".repeat(64)}.invalid`;

describe("Resolve", () => {
  it("gives the addresses of a name, and of an address that address", async () => {
    const addresses = await keepAlive(resolve("localhost", options));
    assert.ok(addresses.length > 0 && addresses.every((address) => ["127.0.0.1", "::1"].includes(address)));
    assert.deepEqual(await keepAlive(resolve("127.0.0.2", options)), ["127.0.0.2"]);
  });

  it("tells a name that there is not", async () => {
    await assert.rejects(keepAlive(resolve(noName, options)), isFailure("unknown"));
  });

  it("gives up at its time limit", async () => {
    const silent = resolveWith(() => new Promise(() => undefined));
    await assert.rejects(keepAlive(silent("cloud", { ...options, timeoutMs: 20 })), isFailure("unanswered"));
  });

  for (
    const [code, failure] of [
      ["EAI_AGAIN", "unanswered"],
      ["EAI_FAIL", "unanswered"],
      ["ENOTFOUND", "unknown"],
      ["EAI_NODATA", "unknown"],
    ] as const
  ) {
    it(`takes ${code} for ${failure}`, async () => {
      const failing = resolveWith(() => Promise.reject(Object.assign(new Error("lookup"), { code })));
      await assert.rejects(failing("cloud", options), isFailure(failure));
    });
  }

  it("ends when its signal is aborted, and asks nothing after that", async () => {
    const controller = new AbortController();
    const asked = resolve("localhost", { ...options, signal: controller.signal });
    controller.abort();
    await assert.rejects(asked, isFailure("aborted"));
    await assert.rejects(resolve("localhost", { ...options, signal: controller.signal }), isFailure("aborted"));
  });
});

function isFailure(failure: ResolveError["failure"]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ResolveError && error.failure === failure, String(error));
    return true;
  };
}
