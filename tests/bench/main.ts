import { bench, run, summary } from "mitata";
import { closeControlServer, controlUrl, openControlServer } from "./control_server.ts";

/** A figure counts only beside its control row: the same request to a bare `node:http` server. */
const server = await openControlServer();
const url = controlUrl(server);

summary(() => {
  bench("control: GET of 1.5 KB from a bare node:http server", async () => {
    const response = await fetch(url);
    await response.arrayBuffer();
  });
});

try {
  await run();
} finally {
  await closeControlServer(server);
}
