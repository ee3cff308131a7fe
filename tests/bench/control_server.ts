import { createServer, type Server } from "node:http";

const BODY = new Uint8Array(1536).fill(0x61);

/** Opens a server on 127.0.0.1 and a free port that answers every request with the same 1.5 KB. */
export function openControlServer(): Promise<Server> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": BODY.byteLength });
    response.end(BODY);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

/** @throws TypeError where the server does not listen on a port */
export function controlUrl(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The control server has no port");
  return `http://127.0.0.1:${address.port}/`;
}

/** Ends it and the connections that clients still keep open. */
export function closeControlServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
