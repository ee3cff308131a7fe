import assert from "node:assert/strict";
import { test } from "node:test";
import { createDebugApp } from "../../../src/hub/debug_app.ts";

async function ask(method: string, body?: string): Promise<readonly [number, string, readonly number[]]> {
  const told: number[] = [];
  const app = createDebugApp({ setVerbosity: (verbosity) => void told.push(verbosity) });
  const answer = await app.request("/debug/flags/v", { method, ...(body === undefined ? {} : { body }) });
  return [answer.status, await answer.text(), told];
}

for (const body of ["4", "0", "10", " 6\n"]) {
  test(`PUT /debug/flags/v takes ${JSON.stringify(body)}, in kube-apiserver's words`, async () => {
    const want = `successfully set klog.logging.verbosity to ${body.trim()}\n`;
    assert.deepEqual(await ask("PUT", body), [200, want, [Number(body)]]);
  });
}

for (const body of ["", "x", "-1", "1.5", "0x4", "4 5", "1".repeat(10)]) {
  test(`PUT /debug/flags/v refuses ${JSON.stringify(body)} with 400`, async () => {
    const [status, text, told] = await ask("PUT", body);
    assert.deepEqual([status, told], [400, []]);
    assert.match(text, /^failed set klog\.logging\.verbosity ".*": the body must be a whole number\n$/);
  });
}

test("PUT /debug/flags/v refuses a long body with 413", async () => {
  assert.equal((await ask("PUT", "4".repeat(65)))[0], 413);
});

for (const method of ["GET", "POST", "DELETE"]) {
  test(`${method} /debug/flags/v is 405`, async () => {
    const [status, , told] = await ask(method);
    assert.deepEqual([status, told], [405, []]);
  });
}

test("createDebugApp has nothing without options", async () => {
  const answer = await createDebugApp(undefined).request("/debug/flags/v", { method: "PUT", body: "4" });
  assert.equal(answer.status, 404);
});
