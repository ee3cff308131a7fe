import type { HubScene } from "./hub_scene.ts";
import { mapsPath } from "./sample_objects.ts";
import type { WatchReader } from "./watch_reader.ts";

/** A body with items, whichever. */
interface Listed {
  readonly body: { readonly items: readonly { readonly metadata: { readonly name: string } }[] };
}

/** Names of a list's items, in order. */
export function names({ body }: Listed): readonly string[] {
  return body.items.map(({ metadata }) => metadata.name);
}

/** The next event of a watch as type, name and version; of an ERROR its code stands for the version. */
export async function nextEvent(watch: WatchReader): Promise<string> {
  const { type, object } = await watch.next();
  return `${type} ${object.metadata.name ?? ""} ${object.metadata.resourceVersion ?? object.code}`;
}

/** What an answer becomes while time goes on: it may wait for something that takes time. */
export async function inTime<T>({ until }: HubScene, answering: Promise<T>): Promise<T> {
  let answered = false;
  void answering.finally(() => answered = true);
  await until(() => answered, 250);
  return await answering;
}

/** Makes the collection of ConfigMaps in `default` and waits until it is live. */
export async function syncMaps({ request, until, status }: HubScene): Promise<void> {
  await request("GET", `${mapsPath}?resourceVersion=0`);
  await until(async () =>
    (await status()).collections.some(({ resource, state }) => resource === "configmaps" && state === "live")
  );
}
