import assert from "node:assert/strict";
import { test } from "node:test";
import { isSystem, nodeCaller, serviceAccountCaller } from "../../../src/identity/caller.ts";

test("R15: isSystem: the node and the service accounts of kube-system, and nobody else", () => {
  const of = (namespace: string) =>
    serviceAccountCaller({
      token: "t",
      issuer: "i",
      audiences: ["i"],
      namespace,
      serviceAccount: { name: "kube-system", uid: "1" },
      notBefore: 0,
      expiresAt: 1,
    });
  const callers = [nodeCaller, of("kube-system"), of("kube-system-2"), of("default")];
  assert.deepEqual(callers.map(isSystem), [true, true, false, false]);
});
