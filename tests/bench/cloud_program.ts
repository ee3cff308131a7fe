import { readFileSync } from "node:fs";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { EventFeed } from "./event_feed.ts";
import { PreparedCluster, type PreparedResource } from "./prepared_cluster.ts";

/** What the program is told in the file that its argument names. */
export interface CloudConfiguration {
  readonly cert: string;
  readonly key: string;
  readonly resources: readonly PreparedResource[];
}

/*
 * The cloud of the bench: answers lists and watches of prepared objects over HTTP/2, in a process of its own. Besides what
 * `EventFeed` obeys, `cut` ends all connections and takes no new ones.
 */
const configuration = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as CloudConfiguration; // start_cloud wrote it
const cluster = new PreparedCluster(configuration.resources);
const headers = { "content-type": "application/json" };
const feed = new EventFeed();
const sockets = new Set<Socket>();
const { cert, key } = configuration;
const server = createSecureServer({ cert, key, allowHTTP1: true }, answer);
server.on("secureConnection", (socket: Socket) => {
  sockets.add(socket);
  socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
});
server.listen(0, "127.0.0.1", () => {
  // A server that listens on TCP has an address of this kind.
  console.log(`listens on ${(server.address() as AddressInfo).port}`);
});
feed.obey(() => cluster.of("pods"), (line) => {
  if (line !== "cut") return;
  server.close();
  for (const socket of sockets) socket.destroy();
  console.log("done");
});

function answer(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const url = new URL(request.url, "https://cloud");
  const resource = /^\/api\/v1\/(\w+)$/.exec(url.pathname)?.[1];
  if (url.pathname === "/readyz") return void response.end("ok");
  if (resource === undefined) return void response.writeHead(404).end();
  const objects = cluster.of(resource);
  if (url.searchParams.get("watch") !== "true") {
    const limit = url.searchParams.get("limit");
    return void response.writeHead(200, headers).end(objects.list(limit === "1" ? 1 : undefined));
  }
  const { stream } = response;
  stream.respond({ ":status": 200, ...headers });
  if (url.searchParams.get("sendInitialEvents") === "true") stream.write(objects.watchList());
  if (resource === "pods") feed.add(stream);
}
