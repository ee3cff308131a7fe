import assert from "node:assert/strict";
import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { localSockets } from "../../adapters/shared/local_sockets.ts";
import type { Duplex } from "../../src/platform/bytes.ts";
import { LocalSocketError } from "../../src/platform/local_sockets.ts";
import { startProgram } from "../testing/child_program.ts";
import { withTempFolder } from "../testing/temp_folder.ts";

const nobody = 65_534;
const program = new URL("../testing/local_socket_program.ts", import.meta.url);

async function textOf(connection: Duplex | undefined): Promise<string> {
  let text = "";
  for await (const chunk of connection?.source ?? []) text += new TextDecoder().decode(chunk);
  connection?.destroy();
  return text;
}

function greet(connection: Duplex): void {
  void connection.write(new TextEncoder().encode("hello"));
  connection.end();
}

test("localSockets.listen makes a socket that its owner alone may open, and removes it at the end", () =>
  withTempFolder(async (folder) => {
    const path = `${folder}/own/hub.sock`;
    await mkdir(`${folder}/own`, { mode: 0o755 });
    const listener = await localSockets.listen(path, greet);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await stat(`${folder}/own`)).mode & 0o777, 0o700);
    assert.equal(await textOf(await localSockets.connect(path)), "hello");
    listener.close();
    await assert.rejects(stat(path), /ENOENT/);
    assert.equal(await localSockets.connect(path), undefined);
  }));

test("localSockets: a path that a killed process has left behind is nobody's, and is taken again", () =>
  withTempFolder(async (folder) => {
    const path = `${folder}/own/hub.sock`;
    const holder = startProgram(program, ["listen", path]);
    await holder.waitFor("listening");
    holder.kill("SIGKILL");
    await holder.ended;
    assert.ok((await stat(path)).isSocket());
    assert.equal(await localSockets.connect(path), undefined);
    const listener = await localSockets.listen(path, greet);
    assert.equal(await textOf(await localSockets.connect(path)), "hello");
    listener.close();
  }));

test("localSockets.connect believes no socket that others may open, and nothing that is no socket", () =>
  withTempFolder(async (folder) => {
    const path = `${folder}/own/hub.sock`;
    const listener = await localSockets.listen(path, greet);
    await chmod(path, 0o660);
    await assert.rejects(localSockets.connect(path), /others may open it/);
    listener.close();
    await writeFile(path, "", { mode: 0o600 });
    await assert.rejects(localSockets.connect(path), /it is no socket/);
  }));

test("localSockets refuses a path that is cut off silently", () =>
  withTempFolder(async (folder) => {
    const path = `${folder}/${"x".repeat(120)}/hub.sock`;
    await assert.rejects(localSockets.listen(path, greet), LocalSocketError);
    await assert.rejects(localSockets.connect(path), LocalSocketError);
  }));

const isRoot = process.geteuid?.() === 0;

test(
  "localSockets keeps another user out, and believes none",
  { skip: !isRoot && "needs root" },
  () =>
    withTempFolder(async (folder) => {
      const path = `${folder}/own/hub.sock`;
      // Only the socket and its own folder keep the stranger out.
      await chmod(folder, 0o777);
      const listener = await localSockets.listen(path, greet);
      const stranger = startProgram(program, ["connect", path, String(nobody)]);
      assert.equal((await stranger.ended).exitCode, 0);
      assert.match(stranger.output(), /refused: EACCES/);
      listener.close();
      const other = startProgram(program, ["listen", `${folder}/other/hub.sock`, String(nobody)]);
      await other.waitFor("listening");
      await assert.rejects(
        localSockets.connect(`${folder}/other/hub.sock`),
        /it belongs to the user id 65534, not to 0/,
      );
      await assert.rejects(localSockets.listen(`${folder}/other/hub.sock`, greet), /no folder of the user id 0/);
      other.kill("SIGKILL");
      await other.ended;
    }),
);
