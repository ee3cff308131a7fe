import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/* The control of a restart: reads the answer from a file, and sends it. */
const body = readFileSync(process.argv[2] ?? "");
const server = createServer((_request, response) => void response.writeHead(200).end(body));
server.listen(0, "127.0.0.1", () => {
  // A server that listens on TCP has an address of this kind.
  console.log(`listens on ${(server.address() as AddressInfo).port}`);
});
