import type { EventLog, LogEvent } from "../../src/replica/event_log.ts";

/** The events of a log from a cursor on, as a watcher takes them; undefined where some of them are no longer there. */
export function eventsFrom(log: EventLog, cursor: number): readonly LogEvent[] | undefined {
  const events: LogEvent[] = [];
  for (let at = cursor;; at++) {
    const event = log.at(at);
    if (event === undefined) return at === log.end ? events : undefined;
    events.push(event);
  }
}
