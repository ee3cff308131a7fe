import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Peer, PeerCertificate } from "../../src/platform/exchange.ts";
import { readPeerUid } from "./peer_uid.ts";

/** The peer of a connection. Make one for each connection and share it: the user id is looked up once. */
export function createPeer(socket: Socket): Peer {
  const remoteAddress = (socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/i, "");
  const remotePort = socket.remotePort ?? 0;
  const localAddress = socket.localAddress ?? "";
  const localPort = socket.localPort ?? 0;
  const certificate = socket instanceof TLSSocket ? readCertificate(socket) : undefined;
  let uid: Promise<number | "gone" | undefined> | undefined;
  return {
    address: remoteAddress,
    port: remotePort,
    secure: socket instanceof TLSSocket,
    ...(certificate === undefined ? {} : { certificate }),
    uid: () => uid ??= readPeerUid({ remoteAddress, remotePort, localAddress, localPort }),
  };
}

function readCertificate(socket: TLSSocket): PeerCertificate | undefined {
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined || raw.length === 0) return undefined;
  try {
    return { authorized: socket.authorized, raw, ...subjectNames(raw) };
  } catch {
    // Whoever shows a certificate that cannot be read is nobody.
    return { authorized: false, raw, commonName: "", organizations: [] };
  }
}

/** Reads the subject from the DER itself: the runtimes' own subject objects differ in form. */
function subjectNames(raw: Uint8Array): { readonly commonName: string; readonly organizations: readonly string[] } {
  const { subject } = new X509Certificate(raw);
  let commonName = "";
  const organizations: string[] = [];
  for (const line of (subject ?? "").split("\n")) {
    const equals = line.indexOf("=");
    const value = line.slice(equals + 1);
    if (line.startsWith("CN=")) commonName = value;
    if (line.startsWith("O=")) organizations.push(value);
  }
  return { commonName, organizations };
}
