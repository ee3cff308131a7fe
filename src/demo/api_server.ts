import { Hono } from "hono";
import type { Clock } from "../platform/clock.ts";
import type { Exchange, ExchangeBindings } from "../platform/exchange.ts";
import type { ExchangeHandler } from "../platform/listener.ts";
import type { Random } from "../platform/random.ts";
import { statusBody, statusHeaders, toStatusError } from "../kube/status.ts";
import { pathNotFound, verbNotAllowed } from "./api_error.ts";
import type { JsonObject } from "./api_object.ts";
import { type ApiContext, readApiRequest } from "./api_request.ts";
import { coreVersions, groupList, resourceList, serverVersion } from "./discovery.ts";
import { readListQuery } from "./list_query.ts";
import { ObjectStore } from "./object_store.ts";
import { getObject, listObjects } from "./reads.ts";
import { serveWatch } from "./watch.ts";
import { createObject, deleteObject, patchObject, updateObject } from "./writes.ts";

export interface DemoApiServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Changes that a watch can resume over. @default {1000} */
  readonly eventLogLimit?: number;
  /** @default {60_000} */
  readonly bookmarkIntervalMs?: number;
  /** Of a watch without `timeoutSeconds`. @default {1_800_000} */
  readonly watchTimeoutMs?: number;
  /** @default {1000} */
  readonly firstVersion?: number;
  /** Sees each request before it is answered. */
  readonly observe?: (exchange: Exchange) => void;
}

/** A small API server in memory: an {@link ExchangeHandler} for a plain listener. */
export interface DemoApiServer {
  readonly handle: ExchangeHandler;
  /** The objects themselves: the cloud's own changes, without a request. */
  readonly objects: ObjectStore;
  /** Forgets the log of changes: a watch from an older version gets 410. */
  compact(): void;
  /** Neither answers nor refuses from now on, like a network that swallows everything. */
  stall(): void;
  /** Ends a stall; what was held goes on. */
  resume(): void;
  /** Ends all watches cleanly. */
  close(): void;
}

/**
 * Makes an API server for the demo and for tests: get, list, watch (WatchList too), create, update, merge patch and
 * delete of {@link resourceTypes}, with the real server's versions, selectors, pages, Tables and Status errors.
 * Without authentication, admission, controllers, finalizers, protobuf, server-side apply and managed fields.
 */
export function createDemoApiServer(options: DemoApiServerOptions): DemoApiServer {
  const objects = new ObjectStore({
    logLimit: options.eventLogLimit ?? 1000,
    firstVersion: options.firstVersion ?? 1000,
  });
  const closing = new AbortController();
  const gate = createGate();
  const context: ApiContext = {
    objects,
    clock: options.clock,
    random: options.random,
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? 60_000,
    watchTimeoutMs: options.watchTimeoutMs ?? 1_800_000,
    closing: closing.signal,
    flowing: gate.flowing,
  };
  const app = createApp(context);
  return {
    objects,
    handle: async (request, exchange) => {
      options.observe?.(exchange);
      await gate.flowing(exchange.signal);
      return app.fetch(request, { exchange });
    },
    compact: () => objects.compact(),
    stall: gate.shut,
    resume: gate.open,
    close: () => {
      gate.open();
      closing.abort();
    },
  };
}

type Env = { Bindings: ExchangeBindings };

function createApp(context: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  for (const path of ["/healthz", "/livez", "/readyz"]) app.get(path, (c) => c.text("ok"));
  app.get("/version", () => json(serverVersion()));
  app.get("/api", () => json(coreVersions()));
  app.get("/apis", () => json(groupList()));
  app.get("/api/:version", (c) => json(resourceList("", c.req.param("version"))));
  app.get("/apis/:group/:version", (c) => json(resourceList(c.req.param("group"), c.req.param("version"))));
  app.all("/api/*", (c) => answerResource(context, c.env.exchange));
  app.all("/apis/*", (c) => answerResource(context, c.env.exchange));
  app.notFound(() => {
    throw pathNotFound();
  });
  app.onError((error) => {
    const known = toStatusError(error);
    return new Response(new TextDecoder().decode(statusBody(known)), {
      status: known.code,
      headers: pairsOf(statusHeaders(known)),
    });
  });
  return app;
}

async function answerResource(context: ApiContext, exchange: Exchange): Promise<Response> {
  const request = readApiRequest(exchange);
  switch (request.info.verb) {
    case "list":
      return json(listObjects(context, request, readListQuery(request)));
    case "watch":
      await serveWatch(context, request, readListQuery(request));
      return new Response(null);
    case "create":
      if (request.info.parts.length > 1) throw verbNotAllowed();
      return json(await createObject(context, request), 201);
    case "get":
      return json(getObject(context, request));
    case "update":
      return json(await updateObject(context, request));
    case "patch":
      return json(await patchObject(context, request));
    case "delete":
      return json(await deleteObject(context, request));
    default:
      throw verbNotAllowed();
  }
}

function json(body: JsonObject | undefined, status = 200): Response {
  if (body === undefined) throw pathNotFound();
  const headers = { "Content-Type": "application/json", "Cache-Control": "no-cache, private" };
  return new Response(`${JSON.stringify(body)}\n`, { status, headers });
}

function pairsOf(rawHeaders: readonly string[]): [string, string][] {
  return rawHeaders.flatMap((name, index) => index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ""]] : []);
}

/** A gate that holds everything back while it is shut. */
function createGate(): { flowing(signal: AbortSignal): Promise<void>; shut(): void; open(): void } {
  const held = new Set<() => void>();
  let shut = false;
  return {
    flowing: (signal) =>
      new Promise((resolve) => {
        if (!shut || signal.aborted) return resolve();
        held.add(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
    shut: () => {
      shut = true;
    },
    open: () => {
      shut = false;
      for (const release of held) release();
      held.clear();
    },
  };
}
