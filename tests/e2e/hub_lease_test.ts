import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Exchange } from "../../src/platform/exchange.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";
import { message, protobufBody } from "../testing/protobuf_body.ts";
import { seed } from "../testing/sample_objects.ts";

const leasesPath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
const leasePath = `${leasesPath}/node-1`;
const protobufType = "application/vnd.kubernetes.protobuf";
const spec = { holderIdentity: "node-1", leaseDurationSeconds: 40, renewTime: "2026-01-01T00:00:00.000000Z" };
const lease = {
  kind: "Lease",
  apiVersion: "coordination.k8s.io/v1",
  metadata: { name: "node-1", namespace: "kube-node-lease" },
  spec,
};

interface LeaseBody {
  readonly metadata: { readonly resourceVersion: string; readonly uid: string };
  readonly spec: { readonly renewTime: string; readonly leaseDurationSeconds: number };
}

/** kubelet, as far as its lease goes, and the lease in the cloud. */
function kubeletOf({ request, seen, server, clock }: HubScene) {
  seed(server, { apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-node-lease" } });
  const parsed = (text: string): LeaseBody => JSON.parse(text) as LeaseBody; // an assertion on what is not there fails
  const stored = () => server.objects.list("leases.coordination.k8s.io")[0] as unknown as LeaseBody | undefined;
  let held: LeaseBody | undefined;
  return {
    /** As at its start: gets the lease, makes it where there is none. */
    async ensure() {
      const got = await request("GET", leasePath);
      const answer = got.status === 404 ? await request("POST", leasesPath, { body: lease }) : got;
      held = parsed(answer.text);
      return answer;
    },
    async renew(change: object = {}) {
      const renewTime = new Date(clock.now()).toISOString().replace("Z", "000Z");
      const body = { ...(held ?? lease), spec: { ...(held ?? lease).spec, renewTime, ...change } };
      const answer = await request("PUT", leasePath, { body });
      if (answer.status === 200) held = parsed(answer.text);
      return answer;
    },
    read: async () => parsed((await request("GET", leasePath)).text),
    stored,
    /** How many renewals by the hub the cloud has seen. */
    renewals: () => seen.filter(({ method, path }) => method === "PATCH" && path === leasePath).length,
    puts: () => seen.filter(({ method, path }) => method === "PUT" && path === leasePath).length,
  };
}

/** Lets the hub's clock run, kubelet renewing every 10 s. */
async function live(scene: HubScene, kubelet: ReturnType<typeof kubeletOf>, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 10) {
    await kubelet.renew();
    await pass(scene, 10);
  }
}

/** Lets time pass, and what is sent over the network come. */
async function pass({ clock }: HubScene, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("the node's own lease, online", () => {
  test("is made by kubelet in the cloud, then renewed here and by the hub there, without kubelet's own writes", () =>
    serveHub(async (scene) => {
      const kubelet = kubeletOf(scene);
      const made = await kubelet.ensure();
      assert.deepEqual([made.status, made.headers.get("x-holdfast-source")], [201, "cloud"]);
      const first = await kubelet.renew();
      assert.deepEqual([first.status, first.headers.get("x-holdfast-source")], [200, "replica"]);
      await scene.until(() => kubelet.renewals() === 1); // at once: it was not renewed before
      await live(scene, kubelet, 60);
      assert.ok(kubelet.renewals() >= 5 && kubelet.renewals() <= 9, String(kubelet.renewals()));
      assert.equal(kubelet.puts(), 0);
      const renewTime = Date.parse(kubelet.stored()?.spec.renewTime ?? "");
      assert.ok(scene.clock.now() - renewTime < 13_000);
      assert.match(kubelet.stored()?.spec.renewTime ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }));

  test("that is short is renewed as often as kubelet renews it", () =>
    serveHub(async (scene) => {
      const kubelet = kubeletOf(scene);
      await kubelet.ensure();
      await scene.until(async () => {
        await kubelet.ensure();
        return (await kubelet.renew({ leaseDurationSeconds: 4 })).status === 200;
      });
      await pass(scene, 5);
      const before = kubelet.renewals();
      for (let second = 0; second < 20; second++) {
        await kubelet.renew();
        await pass(scene, 1);
      }
      assert.ok(kubelet.renewals() - before >= 15, String(kubelet.renewals() - before));
    }));

  test("is read as kubelet was told that it was renewed, though the cloud has not heard of it", () =>
    serveHub(async (scene) => {
      const kubelet = kubeletOf(scene);
      await kubelet.ensure();
      await live(scene, kubelet, 20);
      const put = await kubelet.renew();
      const { spec: { renewTime } } = JSON.parse(put.text) as LeaseBody;
      assert.equal((await kubelet.read()).spec.renewTime, renewTime);
      const table = await scene.request("GET", leasePath, {
        headers: { Accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" },
      });
      assert.deepEqual([table.body.kind, table.headers.get("x-holdfast-source")], ["Table", "cloud"]);
    }));

  test("what is more than a renewal goes to the cloud", () =>
    serveHub(async (scene) => {
      const kubelet = kubeletOf(scene);
      await kubelet.ensure();
      await kubelet.renew();
      await scene.until(() => kubelet.renewals() === 1);
      // The hub's own renewal may have made it newer than kubelet knows: it asks again, as at every conflict.
      await scene.until(async () => {
        await kubelet.ensure();
        const changed = await kubelet.renew({ leaseDurationSeconds: 41 });
        assert.equal(changed.headers.get("x-holdfast-source"), "cloud");
        return changed.status === 200;
      });
      assert.equal(kubelet.stored()?.spec.leaseDurationSeconds, 41);
      assert.equal((await kubelet.renew()).headers.get("x-holdfast-source"), "replica");
    }));

  test("that is there already is not made again: 409", () =>
    serveHub(async (scene) => {
      const kubelet = kubeletOf(scene);
      await kubelet.ensure();
      const again = await scene.request("POST", leasesPath, { body: lease });
      assert.deepEqual([again.status, again.body.reason], [409, "AlreadyExists"]);
      const other = await scene.request("POST", leasesPath, { body: { ...lease, metadata: { name: "node-2" } } });
      assert.deepEqual([other.status, other.headers.get("x-holdfast-source")], [201, "cloud"]);
    }));

  test("that is gone in the cloud is made anew by kubelet", () =>
    serveHub(async (scene) => {
      const kubelet = kubeletOf(scene);
      await kubelet.ensure();
      await live(scene, kubelet, 20);
      assert.equal((await scene.request("DELETE", leasePath)).status, 200);
      const before = kubelet.renewals();
      await live(scene, kubelet, 20);
      assert.ok(kubelet.renewals() > before);
      assert.equal((await kubelet.renew()).status, 404);
      assert.equal((await kubelet.ensure()).status, 201);
      await live(scene, kubelet, 20);
      assert.equal((await kubelet.renew()).headers.get("x-holdfast-source"), "replica");
      assert.ok(Date.parse(kubelet.stored()?.spec.renewTime ?? "") > scene.clock.now() - 13_000);
    }));

  test("is not renewed before kubelet has, and not for longer than the grace period after it: reads go on", () =>
    serveHub(async (scene) => {
      const kubelet = kubeletOf(scene);
      seed(scene.server, lease);
      await pass(scene, 30);
      assert.equal(kubelet.renewals(), 0);
      await kubelet.ensure();
      await live(scene, kubelet, 20);
      await pass(scene, 45);
      const before = kubelet.renewals();
      assert.ok(before > 0);
      await pass(scene, 60);
      assert.equal(kubelet.renewals(), before);
      assert.equal((await scene.request("GET", "/api/v1/namespaces/kube-node-lease")).status, 200);
      const { link, lease: told } = await scene.status();
      assert.deepEqual([link.state, told?.alive], ["online", false]);
      const lines = () => scene.log.filter(({ message }) => message.includes("kubelet")).map(({ level }) => level);
      assert.deepEqual(lines(), ["warn"]);
      await kubelet.renew();
      await scene.until(() => kubelet.renewals() === before + 1); // at once
      assert.deepEqual([(await scene.status()).lease?.alive, lines()], [true, ["warn", "info"]]);
    }));

  test("is renewed whether or not kubelet is there where the grace period is 0", () =>
    serveHub(async (scene) => {
      const kubelet = kubeletOf(scene);
      seed(scene.server, lease);
      await pass(scene, 60);
      assert.ok(kubelet.renewals() >= 5, String(kubelet.renewals()));
    }, { kubeletHealthGraceMs: 0 }));

  for (
    const [status, type, failure] of [
      [500, "text/plain", "the renewal was answered 500"],
      [200, "text/html", "the renewal was answered 200, but not by an API server"],
      [404, "text/html", "the renewal was answered 404, but not by an API server"],
    ] as const
  ) {
    test(`that cannot be renewed for a ${status} of ${type} is tried three times, told, and does not cut the link`, () => {
      let refuses = false;
      const answer = () => new Response("<html>no", { status, headers: { "Content-Type": type } });
      const intercept = ({ method, rawPath }: Exchange) =>
        refuses && method === "PATCH" && rawPath === leasePath ? answer() : undefined;
      return serveHub(async (scene) => {
        const kubelet = kubeletOf(scene);
        await kubelet.ensure();
        await live(scene, kubelet, 20);
        refuses = true;
        const before = kubelet.renewals();
        await scene.until(() => kubelet.renewals() >= before + 3, 100);
        await scene.until(async () => (await scene.status()).lease?.failure === failure);
        assert.equal((await scene.status()).link.state, "online");
        assert.equal(scene.log.filter(({ message }) => message.includes("could not be renewed")).length, 1);
        assert.equal((await kubelet.renew()).status, 200);
      }, { intercept });
    });
  }
});

describe("the node's own lease, offline", () => {
  test("is renewed here, and in the cloud as soon as the link is back", () =>
    serveHub(async (scene) => {
      const kubelet = kubeletOf(scene);
      await kubelet.ensure();
      await live(scene, kubelet, 20);
      await scene.cut();
      for (let i = 0; i < 3; i++) {
        const put = await kubelet.renew();
        assert.deepEqual([put.status, put.headers.get("x-holdfast-source")], [200, "replica"]);
        await pass(scene, 10);
      }
      const before = kubelet.renewals();
      await scene.heal();
      await scene.until(() => kubelet.renewals() > before);
      assert.ok(Date.parse(kubelet.stored()?.spec.renewTime ?? "") > scene.clock.now() - 3_000);
    }));

  test("that the hub never saw is answered as it was put, and read back so", () =>
    serveHub(async ({ request, cut }) => {
      await cut();
      const body = { ...lease, metadata: { ...lease.metadata, resourceVersion: "17", uid: "u" } };
      const put = await request("PUT", leasePath, { body });
      assert.deepEqual([put.status, put.headers.get("x-holdfast-source")], [200, "replica"]);
      assert.deepEqual(JSON.parse(put.text), body);
      assert.equal((await request("GET", leasePath)).text, put.text);
    }));

  test("is decoded where it is protobuf", () =>
    serveHub(async ({ request, cut }) => {
      await cut();
      const meta = message({ 1: "node-1", 3: "kube-node-lease", 5: "u", 6: "17" });
      const raw = message({ 1: meta, 2: message({ 1: "node-1", 2: 40, 4: message({ 1: 1_767_225_600 }) }) });
      const put = await request("PUT", leasePath, {
        body: protobufBody("coordination.k8s.io/v1", "Lease", raw),
        headers: { "Content-Type": protobufType, Accept: `${protobufType},application/json` },
      });
      assert.equal(put.status, 200);
      assert.equal(put.headers.get("content-type"), "application/json");
      assert.deepEqual(put.body.spec, spec);
      assert.equal(put.body.metadata.resourceVersion, "17");
    }));

  test("is 400 where it names another object, and 503 where it was never seen and is asked for or made", () =>
    serveHub(async ({ request, cut }) => {
      await cut();
      const answer = await request("PUT", leasePath, { body: { ...lease, metadata: { name: "node-2" } } });
      assert.deepEqual([answer.status, answer.body.reason], [400, "BadRequest"]);
      assert.equal((await request("GET", leasePath)).status, 503);
      assert.equal((await request("POST", leasesPath, { body: lease })).status, 503);
    }));
});
