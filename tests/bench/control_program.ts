import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { EventFeed } from "./event_feed.ts";
import { PreparedCluster, type PreparedResource } from "./prepared_cluster.ts";

/*
 * The control of the bench: the least that a server of this runtime has to do, `node:http` and prepared bytes. `/list` and
 * `/watchlist` are answered with them, `/watch` with what `EventFeed` obeys.
 */
const resource = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as PreparedResource; // start_control wrote it
const objects = new PreparedCluster([resource]).of(resource.resource);
const list = objects.list();
const watchList = objects.watchList();
const feed = new EventFeed();
const server = createServer((request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  if (request.url === "/list") response.end(list);
  else if (request.url === "/watchlist") response.write(watchList);
  else watch(response);
});
server.listen(0, "127.0.0.1", () => {
  // A server that listens on TCP has an address of this kind.
  console.log(`listens on ${(server.address() as AddressInfo).port}`);
});
feed.obey(() => objects);

function watch(response: ServerResponse): void {
  response.flushHeaders();
  feed.add(response);
}
