const NAME_FORMAT = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const SUBDOMAIN_FORMAT = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_MAX = 63;
const SUBDOMAIN_MAX = 253;
const NAME_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character" +
  ` (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${NAME_FORMAT}')`;
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and" +
  " end with an alphanumeric character" +
  ` (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${NAME_FORMAT})?')`;
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and" +
  ` end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN_FORMAT}')`;

/** What is wrong with a label's key, in the words of apimachinery's `IsLabelKey`; empty where nothing is. */
export function labelKeyProblems(key: string): string[] {
  const [first = "", second, ...rest] = key.split("/");
  if (rest.length > 0) {
    return [`a valid label key ${NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  if (second === undefined) return nameProblems(first);
  return [...prefixProblems(first), ...nameProblems(second)];
}

/** What is wrong with a label's value, in the words of apimachinery's `IsLabelValue`; empty where nothing is. */
export function labelValueProblems(value: string): string[] {
  const problems: string[] = [];
  if (byteLength(value) > NAME_MAX) problems.push(tooLong(NAME_MAX));
  if (value !== "" && !NAME.test(value)) problems.push(VALUE_RULE);
  return problems;
}

function prefixProblems(prefix: string): string[] {
  if (prefix === "") return ["prefix part must be non-empty"];
  const problems: string[] = [];
  if (byteLength(prefix) > SUBDOMAIN_MAX) problems.push(`prefix part ${tooLong(SUBDOMAIN_MAX)}`);
  if (!SUBDOMAIN.test(prefix)) problems.push(`prefix part ${SUBDOMAIN_RULE}`);
  return problems;
}

function nameProblems(name: string): string[] {
  const problems: string[] = [];
  if (name === "") problems.push("name part must be non-empty");
  else if (byteLength(name) > NAME_MAX) problems.push(`name part ${tooLong(NAME_MAX)}`);
  if (!NAME.test(name)) problems.push(`name part ${NAME_RULE}`);
  return problems;
}

function tooLong(maximum: number): string {
  return `must be no more than ${maximum} bytes`;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
