import net from "node:net";
import process from "node:process";
import { localSockets } from "../../adapters/shared/local_sockets.ts";

/** `listen PATH [UID]` listens until it is killed; `connect PATH UID` connects past the product's own checks, as another user. */
const [, , what, path = "", uid] = process.argv;
if (uid !== undefined) process.setuid?.(Number(uid));
if (what === "listen") {
  await localSockets.listen(path, () => undefined);
  process.stdout.write("listening\n");
  process.stdin.on("end", () => process.exit(1)).resume();
} else {
  const socket = net.connect({ path });
  socket.on("connect", () => {
    process.stdout.write("connected\n");
    socket.destroy();
  });
  socket.on(
    "error",
    (error) => process.stdout.write(`refused: ${"code" in error ? String(error.code) : error.message}\n`),
  );
}
