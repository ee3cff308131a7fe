import assert from "node:assert/strict";
import { test } from "node:test";
import { bearerToken } from "../../../src/identity/bearer_token.ts";
import type { KeyAnswer } from "../../../src/identity/key_questions.ts";
import { accepts, readTokenKeys, type TokenKeys, tokenKeysSchema, withTold } from "../../../src/identity/token_keys.ts";
import { TokenError, TokenVerifier } from "../../../src/identity/token_verifier.ts";
import { createFakeClock, type FakeClock } from "../../testing/fake_clock.ts";
import { claimsOf, createTokenIssuer, type TokenIssuer } from "../../testing/service_accounts.ts";

interface World {
  readonly clock: FakeClock;
  readonly cluster: TokenIssuer;
  readonly verifier: TokenVerifier;
  readonly kept: TokenKeys[];
  /** The cloud answers. */
  online: boolean;
  gone: boolean;
  graced: boolean;
}

const hourMs = 60 * 60_000;

async function withVerifier(run: (world: World) => Promise<void>, audience?: string): Promise<void> {
  const clock = createFakeClock();
  const cluster = await createTokenIssuer(() => clock.now(), audience === undefined ? {} : { audience });
  const kept: TokenKeys[] = [];
  const ask = async (token: string): Promise<KeyAnswer> => {
    if (!world.online) return "unknown";
    const fetch = (rawPath: string) => cluster.intercept({ rawPath, header: () => `Bearer ${token}` });
    const documents = [fetch("/.well-known/openid-configuration"), fetch("/openid/v1/jwks")];
    if (documents.some((one) => one?.status !== 200)) return "unauthorized";
    const [discovery = "", keySet = ""] = await Promise.all(documents.map((one) => one?.text() ?? Promise.resolve("")));
    const keys = readTokenKeys(discovery, keySet);
    return keys === undefined ? "unknown" : { keys };
  };
  const world: World = {
    clock,
    cluster,
    kept,
    online: true,
    gone: false,
    graced: false,
    verifier: new TokenVerifier({
      clock,
      ask,
      learnt: (keys) => Promise.resolve(void kept.push(keys)),
      isGone: () => world.gone,
      isGraced: () => world.graced,
    }),
  };
  await run(world);
}

async function assertRefused(verifier: TokenVerifier, token: string, why: RegExp): Promise<void> {
  await assert.rejects(verifier.verify(token), (error: unknown) => {
    assert.ok(error instanceof TokenError);
    assert.match(error.message, why);
    return true;
  });
}

test("TokenVerifier asks for the keys with the caller's own token, once, and tells what the token says", () =>
  withVerifier(async ({ verifier, cluster, kept }) => {
    const pod = { name: "web", uid: "uid-web" };
    const token = await cluster.token({ namespace: "shop", name: "cart", pod });
    const [read] = await Promise.all([verifier.verify(token), verifier.verify(token)]);
    assert.deepEqual(
      [read.namespace, read.serviceAccount, read.pod, read.token],
      ["shop", { name: "cart", uid: "uid-shop-cart" }, pod, token],
    );
    await verifier.verify(await cluster.token());
    assert.ok(cluster.asked.every(({ authorization }) => authorization === `Bearer ${token}`));
    assert.equal(kept.at(-1)?.issuer, cluster.issuer);
  }));

test("TokenVerifier refuses what is forged, unsigned or signed with a public secret, and asks the cloud for none of it", () =>
  withVerifier(async (world) => {
    const { verifier, cluster, clock } = world;
    await verifier.verify(await cluster.token());
    const asked = cluster.asked.length;
    await assertRefused(verifier, await cluster.forged(), /signature/);
    const encode = (value: object) =>
      btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    const claims = encode(claimsOf({ issuer: cluster.issuer, audience: cluster.issuer }, clock.now()));
    for (const alg of ["none", "NONE", "HS256", "HS512", "dir"]) {
      for (const signature of ["", "c2lnbmF0dXJl"]) {
        await assertRefused(verifier, `${encode({ alg, kid: "key-1" })}.${claims}.${signature}`, /algorithm/);
      }
    }
    const good = await cluster.token();
    const [head = "", , signature = ""] = good.split(".");
    await assertRefused(verifier, `${head}.${claims}.${signature}`, /signature/);
    for (const text of ["", "x", "a.b", "a.b.c", "..", `${good}.${good}`, "x".repeat(20_000)]) {
      await assert.rejects(verifier.verify(text), TokenError);
    }
    assert.equal(cluster.asked.length, asked);
    world.online = false;
    await assertRefused(verifier, await cluster.forged(), /signature/);
  }));

test("TokenVerifier refuses an end that has passed, a beginning to come and another audience or issuer, offline too", () =>
  withVerifier(async (world) => {
    const { verifier, cluster, clock } = world;
    await verifier.verify(await cluster.token());
    for (const online of [true, false]) {
      world.online = online;
      await assertRefused(verifier, await cluster.token({ expiresAt: clock.now() - 61_000 }), /expired/);
      await assertRefused(verifier, await cluster.token({ notBefore: clock.now() + 61_000 }), /not valid yet/);
      await assertRefused(verifier, await cluster.token({ audience: "vault" }), /audience/);
      await assertRefused(verifier, await cluster.token({ issuer: "https://elsewhere" }), /issuer/);
      await clock.advance(20_000);
    }
    const short = await cluster.token({ expiresAt: clock.now() + 10_000 });
    await verifier.verify(short);
    await clock.advance(69_000);
    await verifier.verify(short); // within what two clocks may differ by
    await clock.advance(2_000);
    await assertRefused(verifier, short, /expired/);
    world.graced = true;
    await verifier.verify(short);
  }));

test("TokenVerifier refuses what is bound to something that is gone, at the next request", () =>
  withVerifier(async (world) => {
    const token = await world.cluster.token({ pod: { name: "web", uid: "1" } });
    await world.verifier.verify(token);
    world.gone = true;
    await assertRefused(world.verifier, token, /gone/);
  }));

test("TokenVerifier asks again for a key that it does not know, and for all of them after an hour", () =>
  withVerifier(async (world) => {
    const { verifier, cluster, clock } = world;
    await verifier.verify(await cluster.token());
    await cluster.rotate();
    const asked = cluster.asked.length;
    await verifier.verify(await cluster.token());
    assert.equal(cluster.asked.length, asked + 2);
    const long = await cluster.token({ expiresAt: clock.now() + 3 * hourMs });
    await verifier.verify(long);
    await clock.advance(hourMs);
    await verifier.verify(long);
    await clock.advance(0);
    assert.equal(cluster.asked.length, asked + 4);
    await verifier.verify(long);
    assert.equal(cluster.asked.length, asked + 4);
  }));

test("TokenVerifier takes the audience that the API server takes, where that is not the issuer", () =>
  withVerifier(async ({ verifier, cluster, kept }) => {
    await verifier.verify(await cluster.token({ audience: "https://api" }));
    assert.deepEqual(kept.at(-1)?.audiences, [cluster.issuer, "https://api"]);
    await assertRefused(verifier, await cluster.token({ audience: "vault" }), /audience/);
  }, "https://api"));

test("TokenVerifier asks a cloud that refuses a token, or is silent, not over and over", () =>
  withVerifier(async (world) => {
    const { verifier, cluster, clock } = world;
    const wrong = await cluster.token({ audience: "vault" });
    for (let i = 0; i < 5; i++) await assertRefused(verifier, wrong, /audience/);
    assert.equal(cluster.asked.length, 2);
    world.online = false;
    const right = await cluster.token();
    await assertRefused(verifier, right, /nothing is known/);
    world.online = true;
    await assertRefused(verifier, right, /nothing is known/);
    await clock.advance(1_000);
    await verifier.verify(right);
  }));

test("TokenVerifier asks the cloud about made-up tokens at most once in a second, once it knows its keys", () =>
  withVerifier(async ({ verifier, cluster, clock }) => {
    await verifier.verify(await cluster.token());
    const asked = cluster.asked.length;
    for (let second = 1; second <= 3; second++) {
      for (let i = 0; i < 20; i++) {
        const madeUp = await cluster.token({ audience: "vault", name: `app-${second}-${i}` });
        await assertRefused(verifier, madeUp, /audience/);
      }
      assert.equal(cluster.asked.length, asked + 2 * second); // issuer and keys
      await clock.advance(1_000);
    }
    await cluster.rotate();
    await verifier.verify(await cluster.token());
  }));

test("TokenVerifier learns a new key while somebody makes up tokens, with a token that it has verified", () =>
  withVerifier(async ({ verifier, cluster, clock }) => {
    const old = await cluster.token();
    await verifier.verify(old);
    const asked = cluster.asked.length;
    let made = 0;
    const flood = async () => {
      for (let i = 0; i < 10; i++) {
        await assertRefused(verifier, await cluster.forged({ kid: `made-up-${made++}` }), /nothing is known/);
      }
    };
    await flood();
    await cluster.rotate();
    await clock.advance(1_000);
    await flood();
    await verifier.verify(await cluster.token());
    await clock.advance(1_000);
    await flood();
    assert.equal(cluster.asked.length, asked + 2 * 3); // a question a second
    assert.ok(cluster.asked.every(({ authorization }) => authorization === `Bearer ${old}`));
  }));

test("TokenVerifier asks with the unknown token where the cloud refuses those that were verified, whatever others make up", () =>
  withVerifier(async ({ verifier, cluster, clock }) => {
    for (let i = 0; i < 3; i++) await verifier.verify(await cluster.token({ name: `app-${i}` }));
    cluster.revokeAll();
    await cluster.rotate();
    const good = await cluster.token();
    let made = 0;
    for (let i = 0; i < 10; i++) {
      await verifier.verify(await cluster.forged({ kid: `made-up-${made++}` }), "10.0.0.66").catch(() => undefined);
    }
    await clock.advance(1_000);
    for (let i = 0; i < 10; i++) {
      await verifier.verify(await cluster.forged({ kid: `made-up-${made++}` }), "10.0.0.66").catch(() => undefined);
    }
    await verifier.verify(good, "10.0.0.1");
  }));

test("TokenVerifier hears others while one client makes up tokens and no keys are known", () =>
  withVerifier(async ({ verifier, cluster }) => {
    const madeUp = await Promise.all(Array.from({ length: 64 }, (_, i) => cluster.forged({ name: `app-${i}` })));
    const good = await cluster.token();
    const flood = madeUp.map((token) => verifier.verify(token, "10.0.0.66").catch((error: unknown) => error));
    await verifier.verify(good, "10.0.0.1");
    for (const one of await Promise.all(flood)) assert.ok(one instanceof TokenError);
  }));

test("TokenVerifier fetches keys that are old although made-up tokens keep coming", () =>
  withVerifier(async ({ verifier, cluster, clock, kept }) => {
    const long = await cluster.token({ expiresAt: clock.now() + 3 * hourMs });
    await verifier.verify(long);
    await clock.advance(hourMs);
    const madeUp = await cluster.token({ audience: "vault" });
    await cluster.rotate();
    await assertRefused(verifier, madeUp, /audience/);
    await verifier.verify(long);
    // Nobody waits for it, and signatures are checked in real time.
    for (let i = 0; i < 400 && kept.at(-1)?.keys.length !== 2; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(kept.at(-1)?.keys.length, 2);
  }));

test("TokenVerifier takes tokens for several audiences where the cloud took one for all of them, and none for a part", () =>
  withVerifier(async (world) => {
    const { verifier, cluster, clock, kept } = world;
    const both = { audience: ["api", "istio-ca"], isTaken: true };
    await verifier.verify(await cluster.token(both));
    const asked = cluster.asked.length;
    await verifier.verify(await cluster.token({ ...both, name: "other" }));
    await verifier.verify(await cluster.token({ audience: ["istio-ca", "vault", "api"] }));
    assert.deepEqual([cluster.asked.length, kept.length], [asked, 1]);
    for (const audience of ["vault", "istio-ca", ["istio-ca", "vault"], []]) {
      await assertRefused(verifier, await cluster.token({ audience, isTaken: false }), /audience/);
      await clock.advance(1_000);
    }
    await verifier.verify(await cluster.token({ audience: "api", isTaken: true }));
    assert.deepEqual(kept.at(-1)?.audiences, [cluster.issuer, "api"]);
    assert.deepEqual(kept.at(-1)?.audienceSets, []); // the narrower one says more
    world.online = false;
    await verifier.verify(await cluster.token({ audience: ["api", "vault"] }));
    await assertRefused(verifier, await cluster.token({ audience: "istio-ca" }), /audience/);
  }));

test("TokenVerifier takes tokens of a second issuer where the cloud took one, and of no third", () =>
  withVerifier(async (world) => {
    const { verifier, cluster, clock, kept } = world;
    await verifier.verify(await cluster.token());
    const second = { issuer: "https://second", audience: "https://second" };
    await verifier.verify(await cluster.token({ ...second, isTaken: true }));
    assert.deepEqual(kept.at(-1)?.furtherIssuers, ["https://second"]);
    world.online = false;
    await verifier.verify(await cluster.token({ ...second, name: "other" }));
    await verifier.verify(await cluster.token());
    world.online = true;
    await clock.advance(1_000);
    await assertRefused(
      verifier,
      await cluster.token({ issuer: "https://third", audience: "https://third" }),
      /issuer/,
    );
  }));

test("TokenVerifier does not ask again for a token that the cloud takes and it cannot, nor keeps what has not changed", () =>
  withVerifier(async ({ verifier, cluster, kept, clock }) => {
    const good = await cluster.token({ expiresAt: clock.now() + 3 * hourMs });
    await verifier.verify(good);
    const asked = cluster.asked.length;
    const strange = await cluster.token({ audience: [], isTaken: true });
    for (let i = 0; i < 5; i++) await assertRefused(verifier, strange, /audience/);
    assert.deepEqual([cluster.asked.length, kept.length], [asked + 2, 1]);
    await clock.advance(hourMs);
    await verifier.verify(good);
    await clock.advance(0);
    assert.deepEqual([cluster.asked.length, kept.length], [asked + 4, 1]);
  }));

test("tokenKeysSchema reads what an earlier version has kept", () => {
  const old = {
    issuer: "i",
    audiences: ["i", "api"],
    keys: [{ kty: "EC", kid: "1" }],
    fetchedAt: "2026-01-01T00:00:00Z",
  };
  assert.deepEqual(tokenKeysSchema.parse(old), { ...old, furtherIssuers: [], audienceSets: [] });
});

test("withTold keeps a bounded number of what was seen, the newest", () => {
  const told = { issuer: "i", keys: [{ kty: "EC", kid: "1" }] } as const;
  let known: TokenKeys | undefined;
  for (let i = 0; i < 40; i++) {
    for (const audiences of [[`only-${i}`], [`a-${i}`, `b-${i}`]]) {
      known = withTold(known, { told, taken: { issuer: `i-${i}`, audiences }, fetchedAt: "" });
    }
  }
  assert.deepEqual(
    [known?.furtherIssuers, known?.audiences, known?.audienceSets].map((seen) => seen?.length),
    [16, 16, 16],
  );
  assert.ok(known !== undefined && accepts(known, { issuer: "i-39", audiences: ["b-39", "a-39"] }));
  assert.ok(!accepts(known, { issuer: "i-0", audiences: ["only-39"] }));
});

test("bearerToken reads the header, or a WebSocket's subprotocol", () => {
  const of = (headers: Record<string, string>) => bearerToken((name) => headers[name]);
  assert.equal(of({ authorization: "Bearer a.b.c" }), "a.b.c");
  assert.equal(of({ authorization: "bearer  a.b.c " }), "a.b.c");
  const encoded = btoa("a.b.c").replace(/=+$/, "");
  assert.equal(
    of({ "sec-websocket-protocol": `v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.${encoded}` }),
    "a.b.c",
  );
  for (const headers of [{}, { authorization: "Basic x" }, { authorization: "Bearer" }, { authorization: "Bearer " }]) {
    assert.equal(of(headers), undefined);
  }
});
