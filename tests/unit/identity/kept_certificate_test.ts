import assert from "node:assert/strict";
import { test } from "node:test";
import { makeCertificateRequest } from "../../../src/identity/certificate_request.ts";
import { clientTemplate } from "../../../src/identity/certificate_template.ts";
import { IdentityError } from "../../../src/identity/identity_error.ts";
import { KeptCertificate } from "../../../src/identity/kept_certificate.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake_clock.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { createFakeSigner, type FakeSigner } from "../../testing/fake_signer.ts";
import { silentLogger } from "../../testing/lone_replica.ts";
import { createMemoryFiles, type MemoryFiles } from "../../testing/memory_files.ts";

interface Scene {
  readonly clock: FakeClock;
  readonly files: MemoryFiles;
  readonly signer: FakeSigner;
  open(options?: { readonly seed?: number; readonly organizations?: readonly string[] }): Promise<KeptCertificate>;
}

// Loaded before time is counted.
await makeCertificateRequest(clientTemplate({ nodeName: "warm", organizations: [] }));

const never = new AbortController().signal;
const current = "/pki/one-current.pem";
const pending = "/pki/one-pending.pem";

test("KeptCertificate asks for a certificate and keeps it with its key in one file of its own", async () => {
  const { files, signer, open } = await scene();
  const kept = await open();
  assert.match(kept.failure ?? "", /not asked for/);
  await kept.obtain(never);
  assert.equal(kept.failure, undefined);
  assert.deepEqual([...files.contents.keys()], [current]);
  assert.equal(files.contents.get(current)?.mode, 0o600);
  assert.match(files.contents.get(current)?.text ?? "", /BEGIN CERTIFICATE-[^]*BEGIN PRIVATE KEY-/);
  assert.deepEqual(signer.requests[0]?.spec.usages, ["digital signature", "client auth"]);
  const again = await open();
  assert.deepEqual(again.current, kept.current);
});

for (const seed of [1, 2, 3, 4, 5]) {
  test(`KeptCertificate renews between 70 % and 90 % of the time from arrival to expiry (seed ${seed})`, async () => {
    const { clock, signer, open } = await scene();
    const kept = await open({ seed });
    await kept.obtain(never);
    const first = kept.current;
    let changes = 0;
    kept.onChange(() => changes++);
    kept.start();
    await clock.advance(0.7 * signer.lifeMs - 1_000);
    await turns();
    assert.equal(signer.requests.length, 1);
    await clock.advance(0.2 * signer.lifeMs + 1_000);
    await until(clock, () => changes === 1);
    assert.notEqual(kept.current?.cert, first?.cert);
    await kept.close();
  });
}

test("KeptCertificate renews at different times for different nodes", async () => {
  const { clock, signer, open } = await scene();
  const all = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => open({ seed })));
  await all[0]?.obtain(never);
  const same = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => open({ seed })));
  for (const kept of same) kept.start();
  const asked = signer.requests.length;
  await clock.advance(0.8 * signer.lifeMs);
  await turns();
  const due = signer.requests.length - asked;
  assert.ok(due < same.length, `${due} of ${same.length} at half of the span`);
  for (const kept of same) await kept.close();
});

test("KeptCertificate goes on after a restart with the request that was sent", async () => {
  const { clock, files, signer, open } = await scene();
  signer.mode = "wait";
  const first = await open();
  first.start();
  await until(clock, () => signer.requests.length === 1);
  assert.match(first.failure ?? "", /waits for its approval: kubectl certificate approve holdfast-[0-9a-f]{32}/);
  await first.close();
  assert.equal(files.contents.get(pending)?.mode, 0o600);
  signer.mode = "sign";
  const second = await open();
  await second.obtain(never);
  assert.equal(signer.requests.length, 1);
  assert.equal(files.contents.has(pending), false);
});

for (
  const [mode, message, retryable] of [
    ["deny", /holdfast-[0-9a-f]{32} was denied: No never/, false],
    ["lose", /is gone/, true],
    [{ status: 403 }, /answered 403: told so/, false],
    [{ status: 503 }, /answered 503/, true],
    [{ status: 401 }, /answered 401/, true],
  ] as const
) {
  test(`KeptCertificate says why there is none: ${JSON.stringify(mode)}`, async () => {
    const { files, signer, open } = await scene();
    const kept = await open();
    signer.mode = mode;
    await assert.rejects(kept.obtain(never), (error) => {
      assert.ok(error instanceof IdentityError);
      assert.match(error.message, message);
      assert.equal(error.retryable, retryable);
      return true;
    });
    assert.equal(files.contents.has(pending), typeof mode === "object", "an answered request is not sent again");
  });
}

test("KeptCertificate keeps what it has, expired or not, while there is no new one", async () => {
  const { clock, signer, open } = await scene();
  const kept = await open();
  await kept.obtain(never);
  const first = kept.current;
  signer.mode = { status: 503 };
  kept.start();
  await clock.advance(2 * signer.lifeMs);
  assert.equal(kept.current, first);
  await until(clock, () => /expired at .*; .*answered 503/.test(kept.failure ?? ""));
  signer.mode = "sign";
  await until(clock, () => kept.failure === undefined);
  await kept.close();
});

test("KeptCertificate tries at once what it would try in ten minutes, where it is told to", async () => {
  const { clock, signer, open } = await scene();
  signer.mode = { status: 403 };
  const kept = await open();
  kept.start();
  await until(clock, () => kept.failure?.includes("told so") === true);
  signer.mode = "sign";
  await clock.advance(60_000);
  await turns();
  assert.notEqual(kept.failure, undefined);
  kept.tryNow();
  await until(clock, () => kept.failure === undefined);
  kept.tryNow(); // nothing is in the way
  await turns();
  assert.equal(signer.requests.length, 1);
  await kept.close();
  assert.equal(clock.pending, 0);
});

test("KeptCertificate takes a damaged file for none", async () => {
  const { files, open } = await scene();
  for (const text of ["", "hello", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"]) {
    files.contents.set(current, {
      text: `${text}-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n`,
      mode: 0o600,
    });
    assert.equal((await open()).current, undefined);
  }
});

test("KeptCertificate asks at once where another certificate is wanted than the one that is kept", async () => {
  const { clock, signer, open } = await scene();
  await (await open()).obtain(never);
  const kept = await open({ organizations: ["openyurt:tenant:a"] });
  kept.start();
  await until(clock, () => signer.requests.length === 2);
  assert.equal(signer.requests[1]?.spec.signerName, "kubernetes.io/kube-apiserver-client");
  await kept.close();
});

test("KeptCertificate asks for another one within an hour after what is wanted has changed", async () => {
  const { clock, signer, open } = await scene();
  signer.lifeMs = 100 * 3_600_000;
  const organizations: string[] = [];
  const kept = await open({ organizations });
  await kept.obtain(never);
  kept.start();
  await turns();
  organizations.push("openyurt:tenant:a");
  await clock.advance(3_600_000);
  await until(clock, () => signer.requests.length === 2);
  await kept.close();
});

test("KeptCertificate goes on renewing where what is wanted cannot be told, whatever the error", async () => {
  const { clock, files, signer, open } = await scene();
  await (await open()).obtain(never);
  let fails = true;
  const kept = new KeptCertificate({
    files,
    clock,
    random: createFakeRandom(1),
    logger: silentLogger,
    path: "/pki/one",
    template: () => {
      if (fails) throw new TypeError("The cluster says what nobody expects");
      return clientTemplate({ nodeName: "node-1", organizations: [] });
    },
    api: () => signer.api,
  });
  await kept.load();
  kept.start();
  await turns();
  fails = false;
  await clock.advance(signer.lifeMs);
  await until(clock, () => signer.requests.length === 2);
  await kept.close();
});

async function scene(): Promise<Scene> {
  const clock = createFakeClock();
  const files = createMemoryFiles();
  const signer = await createFakeSigner(clock);
  return {
    clock,
    files,
    signer,
    open: async ({ seed = 1, organizations = [] } = {}) => {
      const kept = new KeptCertificate({
        files,
        clock,
        random: createFakeRandom(seed),
        logger: silentLogger,
        path: "/pki/one",
        template: () => clientTemplate({ nodeName: "node-1", organizations }),
        api: () => signer.api,
      });
      await kept.load();
      return kept;
    },
  };
}

/** Web Crypto works on threads of its own: moves the clock until the condition holds. */
async function until(clock: FakeClock, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 5_000 && !holds(); i++) {
    await turns();
    await clock.advance(10);
  }
  assert.ok(holds(), "not within 5000 turns");
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await crypto.subtle.digest("SHA-256", new Uint8Array(1));
}
