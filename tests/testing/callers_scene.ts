import { type HubScene, type HubSceneOptions, serveHub } from "./hub_scene.ts";
import { type HubAnswer, type HubRequestOptions, send } from "./running_hub.ts";
import { createTokenIssuer, type TokenIssuer } from "./service_accounts.ts";
import { readWatch, type WatchReader } from "./watch_reader.ts";

const startMs = Date.UTC(2026, 0, 1);

export interface CallersScene extends HubScene {
  readonly issuer: TokenIssuer;
  /** Asks as on the TLS port. */
  ask(token: string | undefined, path: string, options?: AskOptions): Promise<HubAnswer>;
  watchAs(token: string, path: string): Promise<WatchReader>;
}

type AskOptions = HubRequestOptions & { readonly method?: string };

/** Runs a test with a hub whose cloud issues service account tokens and tells of their keys. */
export async function serveCallers(
  run: (scene: CallersScene) => Promise<void>,
  { intercept, ...options }: HubSceneOptions = {},
): Promise<void> {
  let now = () => startMs;
  const issuer = await createTokenIssuer(() => now());
  const watches: WatchReader[] = [];
  await serveHub(async (scene) => {
    now = () => scene.clock.now();
    const callers = {
      issuer,
      ask: (token: string | undefined, path: string, { method = "GET", ...asked }: AskOptions = {}) =>
        send(scene.secureOrigin + path, { method, ...asked, headers: { ...asked.headers, ...bearer(token) } }),
      watchAs: async (token: string, path: string) => {
        const watch = readWatch(await fetch(scene.secureOrigin + path, { headers: bearer(token) }));
        watches.push(watch);
        return watch;
      },
    };
    try {
      // The scene has getters, which a copy would read once.
      await run(Object.assign(Object.create(scene) as HubScene, callers));
    } finally {
      await Promise.allSettled(watches.map((watch) => watch.close()));
    }
  }, { state: true, intercept: (exchange) => issuer.intercept(exchange) ?? intercept?.(exchange), ...options });
}

function bearer(token: string | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}
