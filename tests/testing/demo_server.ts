import { clock } from "../../adapters/shared/clock.ts";
import { createListen } from "../../adapters/shared/listener.ts";
import { random } from "../../adapters/shared/random.ts";
import { createDemoApiServer, type DemoApiServer, type DemoApiServerOptions } from "../../src/demo/api_server.ts";
import { type DemoCloud, startDemoCloud } from "../../src/demo/demo_cloud.ts";
import { seedObject } from "../../src/demo/seed_object.ts";
import { readWatch, type WatchReader } from "./watch_reader.ts";

/** An embedded API server on a real listener, and a client for it. */
export interface Served {
  readonly server: DemoApiServer;
  readonly cloud: DemoCloud;
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  watch(path: string, accept?: string): Promise<WatchReader>;
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: AnswerBody;
}

/** All that the tests look at: each test says with its assertions what it expects to be there. */
export interface AnswerBody extends NamedItem {
  readonly kind: string;
  readonly apiVersion: string;
  readonly reason: string;
  readonly versions: readonly string[];
  readonly groups: readonly { readonly name: string }[];
  readonly gitVersion: string;
  readonly data: Readonly<Record<string, string>>;
  readonly status: { readonly phase: string };
  readonly items: readonly NamedItem[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: { readonly kind: string } }[];
  readonly columnDefinitions: readonly { readonly name: string }[];
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly shortNames: readonly string[];
  }[];
}

export interface NamedItem {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

/** Runs a test against a server that has the namespace `default`; ends all watches and the server after it. */
export async function serveDemo(
  run: (served: Served) => Promise<void>,
  options: Partial<DemoApiServerOptions> = {},
): Promise<void> {
  const server = createDemoApiServer({ clock, random, ...options });
  const cloud = await startDemoCloud({ listen: createListen({}), clock, handle: server.handle });
  seedObject(server.objects, { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  const watches: WatchReader[] = [];
  try {
    await run({
      server,
      cloud,
      request: (method, path, options) => send(cloud.origin + path, { method, ...options }),
      watch: async (path, accept = "application/json") => {
        const watch = readWatch(await fetch(cloud.origin + path, { headers: { Accept: accept } }));
        watches.push(watch);
        return watch;
      },
    });
  } finally {
    server.close();
    await Promise.allSettled(watches.map((watch) => watch.close()));
    await cloud.close();
  }
}

async function send(
  url: string,
  { method, body, headers }: RequestOptions & { readonly method: string },
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  // Not checked: an assertion on what is not there fails.
  return { status: response.status, text, body: (text.startsWith("{") ? JSON.parse(text) : {}) as AnswerBody };
}
