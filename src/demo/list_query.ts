import { matchesFields, parseFieldSelector } from "../kube/field_selector.ts";
import { matchesLabels, parseLabelSelector } from "../kube/label_selector.ts";
import { type ListOptions, parseListOptions, validateListOptions, withListDefaults } from "../kube/list_options.ts";
import { badRequest } from "../kube/status.ts";
import { type ApiObject, fieldText } from "./api_object.ts";
import type { ApiRequest } from "./api_request.ts";

/** A LIST or WATCH: its options, checked, and which objects it is about. */
export interface ListQuery {
  readonly options: ListOptions;
  /** The version asked for; 0 where any will do or none is given. */
  readonly version: number;
  readonly matches: (object: ApiObject) => boolean;
}

/** @throws StatusError 400 for what cannot be read, 422 for combinations that the API does not have */
export function readListQuery(request: ApiRequest): ListQuery {
  const isWatch = request.info.verb === "watch";
  const options = withListDefaults(parseListOptions(request.info.query));
  validateListOptions(options, { isWatch });
  return { options, version: Number(options.resourceVersion), matches: predicateOf(request, options) };
}

function predicateOf({ info, type }: ApiRequest, options: ListOptions): ListQuery["matches"] {
  const labels = parseLabelSelector(options.labelSelector);
  const fields = parseFieldSelector(options.fieldSelector);
  const known = ["metadata.name", "metadata.namespace", ...type.fields];
  const unknown = fields.find(({ field }) => !known.includes(field));
  if (unknown) throw badRequest(`field label not supported: ${unknown.field}`);
  return (object) =>
    (!type.namespaced || info.namespace === "" || object.metadata.namespace === info.namespace) &&
    (info.name === "" || object.metadata.name === info.name) &&
    matchesLabels(labels, object.metadata.labels ?? {}) &&
    matchesFields(fields, (field) => fieldText(object, field));
}
