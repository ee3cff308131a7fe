import assert from "node:assert/strict";
import { test } from "node:test";
import { IdentityError } from "../../../src/identity/identity_error.ts";
import type { JsonAnswer } from "../../../src/identity/json_api.ts";
import { ServingTrust } from "../../../src/identity/serving_trust.ts";
import { createFakeClock } from "../../testing/fake_clock.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { silentLogger } from "../../testing/lone_replica.ts";
import { createMemoryFiles, type MemoryFiles } from "../../testing/memory_files.ts";

const path = "/pki/kube-root-ca.crt";

test("ServingTrust says why pods do not believe the certificate, until they do", async () => {
  const scene = open();
  const { clock, trust } = scene;
  assert.match(trust.problem ?? "", /there is no certificate yet/);
  scene.certificate = "by-a";
  assert.match(trust.problem ?? "", /kube-root-ca.crt cannot be read: it was not asked for yet/);
  scene.answer = { status: 403, object: { message: "forbidden" } };
  trust.start();
  await clock.advance(0);
  assert.match(trust.problem ?? "", /cannot be read: 403: forbidden/);
  scene.answer = configMap("b");
  await clock.advance(10 * 60_000);
  assert.match(trust.problem ?? "", /not among those of kube-system\/kube-root-ca.crt/);
  scene.certificate = "by-b";
  assert.equal(trust.problem, undefined);
  scene.answer = configMap("a");
  await clock.advance(60 * 60_000);
  assert.notEqual(trust.problem, undefined);
  // Once for each change of what was read; a certificate tells of itself.
  assert.deepEqual(scene.told.map((why) => /cannot be read: 403|not among/.exec(why ?? "")?.[0]), [
    "cannot be read: 403",
    "not among",
    "not among",
  ]);
  await trust.close();
  assert.equal(clock.pending, 0);
});

test("ServingTrust knows after a restart without the cloud what it has read before", async () => {
  const before = open();
  before.certificate = "by-a";
  before.answer = configMap("a");
  before.trust.start();
  await before.clock.advance(0);
  assert.equal(before.trust.problem, undefined);
  await before.trust.close();
  assert.equal(before.files.contents.get(path)?.mode, 0o600);
  const scene = open(before.files);
  scene.certificate = "by-a";
  await scene.trust.load();
  assert.equal(scene.trust.problem, undefined);
  scene.trust.start();
  await scene.clock.advance(60_000);
  assert.equal(scene.trust.problem, undefined);
  await scene.trust.close();
});

for (
  const [what, object] of [
    ["without the key", { data: {} }],
    ["with an empty one", { data: { "ca.crt": "" } }],
    ["that is none", undefined],
  ] as const
) {
  test(`ServingTrust takes no ConfigMap ${what}`, async () => {
    const scene = open();
    scene.certificate = "by-a";
    scene.answer = { status: 200, object };
    scene.trust.start();
    await scene.clock.advance(0);
    assert.match(scene.trust.problem ?? "", /cannot be read: 200/);
    assert.equal(scene.files.contents.size, 0);
    await scene.trust.close();
  });
}

function open(files: MemoryFiles = createMemoryFiles()) {
  const clock = createFakeClock();
  const scene: { certificate: string | undefined; answer: JsonAnswer | undefined } = {
    certificate: undefined,
    answer: undefined,
  };
  const trust = new ServingTrust({
    files,
    clock,
    random: createFakeRandom(1),
    logger: silentLogger,
    isIssuedBy: (chain, bundle) => chain === `by-${bundle}`,
    path,
    api: () =>
      scene.answer === undefined
        ? Promise.reject(new IdentityError("No API server answers", { retryable: true }))
        : Promise.resolve(scene.answer),
    certificate: () => scene.certificate,
    changed: () => {
      told.push(trust.problem);
    },
  });
  const told: (string | undefined)[] = [];
  return Object.assign(scene, { clock, files, trust, told });
}

function configMap(ca: string): JsonAnswer {
  return { status: 200, object: { data: { "ca.crt": ca } } };
}
