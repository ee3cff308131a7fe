import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { createUpstreamWith } from "../../adapters/shared/upstream.ts";
import { type Authority, createAuthority, type IssuedCertificate } from "../testing/certificates.ts";
import type { ChildProgram } from "../testing/child_program.ts";
import { type ProgramCloud, startHub, withCloud } from "../testing/hub_program.ts";

const path = "/api/v1/pods";

async function securePort(program: ChildProgram): Promise<number> {
  await program.waitForError("Hub listens with TLS");
  return Number(/Hub listens with TLS.* port=(\d+)/.exec(program.errors())?.[1]);
}

interface Ask {
  readonly port: number;
  readonly ca: string;
  readonly client?: IssuedCertificate;
  readonly token?: string;
  readonly http2?: boolean;
}

/** @returns status and text of an answer over a connection of its own */
async function ask({ port, ca, client, token, http2 = false }: Ask): Promise<readonly [number, string]> {
  const upstream = createUpstreamWith({ http2: "watches" })({ origin: `https://127.0.0.1:${port}`, ca, ...client });
  try {
    const authorization = token === undefined ? [] : ["Authorization", `Bearer ${token}`];
    const { status, body } = await upstream.request({
      method: "GET",
      rawPath: path,
      rawHeaders: ["Host", `127.0.0.1:${port}`, ...authorization],
      signal: AbortSignal.timeout(10_000),
      longRunning: http2,
    });
    let text = "";
    for await (const chunk of body) text += new TextDecoder().decode(chunk);
    return [status, text];
  } finally {
    await upstream.close(0);
  }
}

/** A hub with a serving certificate that an earlier one was given. */
function withSecure(run: (cloud: ProgramCloud, serving: Authority) => Promise<void>): Promise<void> {
  return withCloud(async (cloud) => {
    const serving = await createAuthority("serving");
    const { cert, key } = await serving.issue({ commonName: "hub", names: ["127.0.0.1"] });
    await mkdir(`${cloud.folder}/state/pki`, { recursive: true });
    await writeFile(`${cloud.folder}/state/pki/hub-server-current.pem`, cert + key);
    await run(cloud, serving);
  });
}

test("on the TLS port this node's own certificate is the node, over HTTP/1.1 and HTTP/2; any other is refused; nobody is nobody", () =>
  withSecure(async (cloud, serving) => {
    const program = startHub(cloud);
    const port = await securePort(program);
    const ca = serving.caPem;
    const issued = (commonName: string, organizations: readonly string[]) =>
      cloud.authority.issue({ commonName, organizations });
    const own = await issued("system:node:node-1", ["system:nodes"]);
    const stranger = await (await createAuthority()).issue({
      commonName: "system:node:node-1",
      organizations: ["system:nodes"],
    });
    const others = [
      await issued("system:node:node-2", ["system:nodes"]),
      await issued("system:node:node-1", ["system:masters"]),
      await issued("admin", ["system:masters"]),
      stranger,
    ];
    for (const http2 of [false, true]) {
      const [status, text] = await ask({ port, ca, client: own, http2 });
      assert.deepEqual([status, text.includes("web-1"), cloud.callers.at(-1)], [200, true, "system:node:node-1"]);
      const asked = cloud.callers.length;
      for (const client of others) {
        for (const token of [undefined, "forged"]) {
          const refused = await ask({ port, ca, client, http2, ...(token === undefined ? {} : { token }) });
          assert.equal(refused[0], 403);
          assert.match(refused[1], /use a token/);
        }
      }
      assert.equal((await ask({ port, ca, http2 }))[0], 401);
      assert.equal((await ask({ port, ca, http2, token: "forged" }))[0], 401);
      assert.equal((await ask({ port, ca, client: own, http2, token: "forged" }))[0], 401);
      assert.equal(cloud.callers.length, asked);
    }
  }));
