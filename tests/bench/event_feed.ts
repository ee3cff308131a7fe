import { createInterface } from "node:readline";
import type { Writable } from "node:stream";
import type { PreparedObjects } from "./prepared_cluster.ts";

/** What a burst writes at once. */
const burstChunkBytes = 64 * 1024;

/** Sends prepared events to whoever watches, as lines on standard input say. */
export class EventFeed {
  readonly #watchers = new Set<Writable>();

  /** Takes a watcher on until it goes. */
  add(watcher: Writable): void {
    this.#watchers.add(watcher);
    watcher.once("close", () => this.#watchers.delete(watcher));
  }

  /**
   * Obeys: `events N` sends N events, each in a write of its own; `pace R N` N events, R each second; `burst N` N events as
   * fast as they are taken. Answers `done` after each.
   */
  obey(objects: () => PreparedObjects, other: (line: string) => void = () => undefined): void {
    createInterface(process.stdin).on("line", (line) => {
      const [what, ...numbers] = line.split(" ");
      const [first = 0, second = 0] = numbers.map(Number);
      if (what === "events") this.#send(objects(), first);
      else if (what === "pace") this.#pace(objects(), { perSecond: first, count: second });
      else if (what === "burst") void this.#burst(objects(), first).then(() => console.log("done"));
      else other(line);
    }).on("close", () => process.exit(0));
  }

  #send(objects: PreparedObjects, count: number): void {
    for (let sent = 0; sent < count; sent++) {
      const event = objects.nextEvent();
      for (const watcher of this.#watchers) watcher.write(event);
    }
  }

  #pace(objects: PreparedObjects, { perSecond, count }: { readonly perSecond: number; readonly count: number }): void {
    const startedAt = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor((performance.now() - startedAt) / 1_000 * perSecond));
      this.#send(objects, due - sent);
      sent = due;
      if (sent < count) return;
      clearInterval(timer);
      console.log("done");
    }, 1_000 / perSecond);
  }

  async #burst(objects: PreparedObjects, count: number): Promise<void> {
    for (let left = count; left > 0;) {
      const many = Math.min(left, Math.ceil(burstChunkBytes / objects.eventBytes));
      const chunk = Buffer.concat(Array.from({ length: many }, () => objects.nextEvent()));
      left -= many;
      for (const watcher of this.#watchers) {
        if (!watcher.write(chunk)) await new Promise<void>((resolve) => watcher.once("drain", resolve));
      }
    }
  }
}
