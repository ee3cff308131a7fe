import { chmodSync, lstatSync, mkdirSync, rmSync, type Stats } from "node:fs";
import net, { type Socket } from "node:net";
import { dirname } from "node:path";
import process from "node:process";
import type { Duplex } from "../../src/platform/bytes.ts";
import { type LocalListener, LocalSocketError, type LocalSockets } from "../../src/platform/local_sockets.ts";
import { SocketDuplex } from "./duplex.ts";
import { errorCode } from "./error_code.ts";
import { ignoreError } from "./ignore_error.ts";

/** Of `sun_path` where it is shortest (macOS), without the zero at its end: a longer one is cut off silently. */
const PATH_BYTES_MAX = 103;
const PRIVATE_FOLDER = 0o700;
const PRIVATE = 0o600;
const OTHERS = 0o077;

/** Local sockets; see the port. */
export const localSockets: LocalSockets = { listen, connect };

async function listen(path: string, connected: (connection: Duplex) => void): Promise<LocalListener> {
  checkLength(path);
  try {
    makePrivateFolder(dirname(path));
    rmSync(path, { force: true });
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", ignoreError);
      connected(new SocketDuplex(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, () => {
        server.off("error", reject).on("error", ignoreError);
        resolve();
      });
    });
    // Until here the folder has kept others out.
    chmodSync(path, PRIVATE);
    server.unref();
    return {
      close: () => {
        server.close();
        rmSync(path, { force: true });
      },
    };
  } catch (cause) {
    throw localSocketError(path, cause);
  }
}

async function connect(path: string): Promise<Duplex | undefined> {
  checkLength(path);
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    checkOwn(path, found);
    return new SocketDuplex(await open(path));
  } catch (cause) {
    // A socket that its owner has left behind.
    if (["ECONNREFUSED", "ENOENT"].includes(errorCode(cause) ?? "")) return undefined;
    throw localSocketError(path, cause);
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ path, allowHalfOpen: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject).on("error", ignoreError);
      resolve(socket);
    });
  });
}

/** Whoever owns it is believed what he says there. */
function checkOwn(path: string, found: Stats): void {
  const uid = process.geteuid?.();
  if (!found.isSocket()) throw new LocalSocketError(`Cannot use ${path}: it is no socket`);
  if (uid !== undefined && found.uid !== uid) {
    throw new LocalSocketError(`Cannot use ${path}: it belongs to the user id ${found.uid}, not to ${uid}`);
  }
  if ((found.mode & OTHERS) !== 0) throw new LocalSocketError(`Cannot use ${path}: others may open it`);
}

function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: PRIVATE_FOLDER });
  const uid = process.geteuid?.();
  const found = lstatSync(path);
  if (!found.isDirectory() || (uid !== undefined && found.uid !== uid)) {
    throw new LocalSocketError(`Cannot use ${path}: it is no folder of the user id ${uid}`);
  }
  chmodSync(path, PRIVATE_FOLDER);
}

function checkLength(path: string): void {
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > PATH_BYTES_MAX) {
    throw new LocalSocketError(`Cannot use ${path}: a socket's path has at most ${PATH_BYTES_MAX} bytes`);
  }
}

function localSocketError(path: string, cause: unknown): LocalSocketError {
  if (cause instanceof LocalSocketError) return cause;
  return new LocalSocketError(`Cannot use ${path}: ${errorCode(cause) ?? String(cause)}`, { cause });
}
