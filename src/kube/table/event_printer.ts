import { humanAge } from "./human_duration.ts";
import type { JsonView } from "./json_view.ts";
import { column, NAME, nameOf, type Row, type TablePrinter, wide } from "./table_printer.ts";

/** Events of the core group and of events.k8s.io. */
export const EVENTS: TablePrinter = {
  columns: [
    column("Last Seen", "The time at which the most recent occurrence of this event was recorded."),
    column("Type", "Type of this event (Normal, Warning), new types could be added in the future"),
    column(
      "Reason",
      "This should be a short, machine understandable string that gives the reason for the transition into the object's current status.",
    ),
    column("Object", "The object that this event is about."),
    wide(
      "Subobject",
      'If referring to a piece of an object instead of an entire object, this string should contain a valid JSON/Go field access statement, such as desiredState.manifest.containers[2]. For example, if the object reference is to a container within a pod, this would take on a value like: "spec.containers{name}" (where "name" refers to the name of the container that triggered the event) or if no container name is specified "spec.containers[2]" (container with index 2 in this pod). This syntax is chosen only to have some well-defined way of referencing a part of an object.',
    ),
    wide("Source", "The component reporting this event. Should be a short machine understandable string."),
    column("Message", "A human-readable description of the status of this operation."),
    wide("First Seen", "The time at which the event was first recorded. (Time of server receipt is in TypeMeta.)"),
    wide("Count", "The number of times this event has occurred."),
    { ...NAME, priority: 1 },
  ],
  row: eventRow,
};

function eventRow(event: JsonView, nowMs: number): Row {
  const series = event.at("series");
  const eventTime = event.at("eventTime").text();
  const firstSeen = humanAge(either(event, "firstTimestamp", "deprecatedFirstTimestamp").text(eventTime), nowMs);
  const lastTimestamp = either(event, "lastTimestamp", "deprecatedLastTimestamp").text();
  const lastSeen = lastTimestamp === "" ? firstSeen : humanAge(lastTimestamp, nowMs);
  const target = either(event, "involvedObject", "regarding");
  const name = target.at("name").text();
  const kind = target.at("kind").text().toLowerCase();
  return {
    cells: [
      series.exists ? humanAge(series.at("lastObservedTime").text(), nowMs) : lastSeen,
      event.at("type").text(),
      event.at("reason").text(),
      name === "" ? kind : `${kind}/${name}`,
      target.at("fieldPath").text(),
      sourceCell(event),
      either(event, "message", "note").text().trim(),
      firstSeen,
      series.exists ? series.at("count").number() : either(event, "count", "deprecatedCount").number() || 1,
      nameOf(event),
    ],
  };
}

function sourceCell(event: JsonView): string {
  const source = either(event, "source", "deprecatedSource");
  const controller = either(event, "reportingComponent", "reportingController").text();
  const component = source.at("component").text() || controller;
  const host = source.at("host").text() || event.at("reportingInstance").text();
  return host === "" ? component : `${component}, ${host}`;
}

/** A member by its name in the core group, or in events.k8s.io. */
function either(event: JsonView, core: string, later: string): JsonView {
  const member = event.at(core);
  return member.exists ? member : event.at(later);
}
