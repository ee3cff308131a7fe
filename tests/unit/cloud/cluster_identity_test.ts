import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClusterIdentity, KnownCluster } from "../../../src/cloud/cluster_identity.ts";

function make(known: ClusterIdentity | undefined, caHashes: readonly string[]) {
  const learnt: ClusterIdentity[] = [];
  const learn = (identity: ClusterIdentity) => void learnt.push(identity);
  const cluster = new KnownCluster({ ...(known === undefined ? {} : { known }), caHashes, learnt: learn });
  return { cluster, learnt };
}

test("KnownCluster learns CA and issuer once", () => {
  const { cluster, learnt } = make(undefined, ["a"]);
  assert.equal(cluster.check("https://k"), undefined);
  assert.equal(cluster.check("https://k"), undefined);
  assert.deepEqual(learnt, [{ caHashes: ["a"], issuer: "https://k" }]);
});

test("KnownCluster learns the issuer later where nobody told at first, and keeps it where one does not tell", () => {
  const { cluster, learnt } = make(undefined, ["a"]);
  assert.equal(cluster.check(undefined), undefined);
  assert.equal(cluster.check("https://k"), undefined);
  assert.equal(cluster.check(undefined), undefined);
  assert.deepEqual(learnt, [{ caHashes: ["a"] }, { caHashes: ["a"], issuer: "https://k" }]);
});

test("KnownCluster refuses another issuer, says both, and changes nothing", () => {
  const { cluster, learnt } = make({ caHashes: ["a"], issuer: "https://k" }, ["a"]);
  assert.match(cluster.check("https://x") ?? "", /issued by https:\/\/x, the known cluster's by https:\/\/k/);
  assert.deepEqual([learnt, cluster.identity], [[], { caHashes: ["a"], issuer: "https://k" }]);
});

test("KnownCluster refuses another CA, says both, and changes nothing", () => {
  const { cluster, learnt } = make({ caHashes: ["a"], issuer: "https://k" }, ["b"]);
  assert.match(cluster.check("https://k") ?? "", /its CA is b, the known cluster's is a/);
  assert.deepEqual(learnt, []);
});

test("KnownCluster follows a CA that is replaced by way of a bundle with both", () => {
  const { cluster, learnt } = make({ caHashes: ["old"], issuer: "https://k" }, ["new", "old"]);
  assert.equal(cluster.check("https://k"), undefined);
  cluster.trust(["new"]);
  assert.equal(cluster.check("https://k"), undefined);
  assert.deepEqual(learnt.map(({ caHashes }) => caHashes), [["new", "old"], ["new"]]);
  cluster.trust(["other"]);
  assert.match(cluster.check("https://k") ?? "", /its CA is other/);
});

test("KnownCluster compares no CA where the system's are trusted", () => {
  const { cluster } = make({ caHashes: ["a"] }, []);
  assert.equal(cluster.check(undefined), undefined);
});
