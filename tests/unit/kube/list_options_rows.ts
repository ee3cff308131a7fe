/**
 * What list handlers of k8s.io/apiserver 0.36.3 answer to these queries (made by running its decoder, defaults and
 * validation): the Status as JSON, empty where they go on.
 */
export const LIST_OPTIONS_ROWS: readonly (readonly [string, string])[] = [
  ["", ""],
  ["watch=1", ""],
  ["watch=1&resourceVersion=0", ""],
  ["watch=1&resourceVersion=5", ""],
  [
    "limit=abc",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"strconv.ParseInt: parsing \\"abc\\": invalid syntax","reason":"BadRequest","code":400}',
  ],
  [
    "limit=",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"strconv.ParseInt: parsing \\"\\": invalid syntax","reason":"BadRequest","code":400}',
  ],
  [
    "limit=+3",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"strconv.ParseInt: parsing \\" 3\\": invalid syntax","reason":"BadRequest","code":400}',
  ],
  ["limit=-1", ""],
  [
    "limit=1_0",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"strconv.ParseInt: parsing \\"1_0\\": invalid syntax","reason":"BadRequest","code":400}',
  ],
  [
    "timeoutSeconds=99999999999999999999",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"strconv.ParseInt: parsing \\"99999999999999999999\\": value out of range","reason":"BadRequest","code":400}',
  ],
  [
    "timeoutSeconds=x&limit=y",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"strconv.ParseInt: parsing \\"x\\": invalid syntax","reason":"BadRequest","code":400}',
  ],
  [
    "labelSelector=a%20b",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"unable to parse requirement: found \'b\', expected: in, notin, =, ==, !=, gt, lt","reason":"BadRequest","code":400}',
  ],
  [
    "labelSelector=-a=b",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"unable to parse requirement: <nil>: Invalid value: \\"-a\\": name part must consist of alphanumeric characters, \'-\', \'_\' or \'.\', and must start and end with an alphanumeric character (e.g. \'MyName\',  or \'my.name\',  or \'123-abc\', regex used for validation is \'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\')","reason":"BadRequest","code":400}',
  ],
  [
    "labelSelector=a%20in%20(-x,_y)",
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"unable to parse requirement: [values[0][a]: Invalid value: \\\"-x\\\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?'), values[1][a]: Invalid value: \\\"_y\\\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')]\",\"reason\":\"BadRequest\",\"code\":400}",
  ],
  [
    "labelSelector=a%3Ex",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"unable to parse requirement: values[0]: Invalid value: \\"x\\": for \'Gt\', \'Lt\' operators, the value must be an integer","reason":"BadRequest","code":400}',
  ],
  [
    "labelSelector=a=b,",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"found \'\', expected: identifier after \',\'","reason":"BadRequest","code":400}',
  ],
  [
    "labelSelector=A.b/c=d",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"unable to parse requirement: <nil>: Invalid value: \\"A.b/c\\": prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \'-\' or \'.\', and must start and end with an alphanumeric character (e.g. \'example.com\', regex used for validation is \'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\')","reason":"BadRequest","code":400}',
  ],
  [
    "fieldSelector=abc",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"invalid selector: \'abc\'; can\'t understand \'abc\'","reason":"BadRequest","code":400}',
  ],
  [
    "fieldSelector=a=b=c",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"invalid field selector: unescaped character in value: 61","reason":"BadRequest","code":400}',
  ],
  [
    "fieldSelector=a=b%5Cx",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"invalid field selector: invalid escape sequence: \\\\x","reason":"BadRequest","code":400}',
  ],
  [
    "sendInitialEvents=true",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: sendInitialEvents is forbidden for list","field":"sendInitialEvents"}]},"code":422}',
  ],
  [
    "sendInitialEvents=false",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: sendInitialEvents is forbidden for list","field":"sendInitialEvents"}]},"code":422}',
  ],
  [
    "sendInitialEvents=",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: sendInitialEvents is forbidden for list","field":"sendInitialEvents"}]},"code":422}',
  ],
  [
    "resourceVersionMatch=Exact",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided","field":"resourceVersionMatch"}]},"code":422}',
  ],
  [
    "resourceVersionMatch=Exact&resourceVersion=0",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch \\"exact\\" is forbidden for resourceVersion \\"0\\"","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: resourceVersionMatch \\"exact\\" is forbidden for resourceVersion \\"0\\"","field":"resourceVersionMatch"}]},"code":422}',
  ],
  ["resourceVersionMatch=Exact&resourceVersion=7", ""],
  ["resourceVersionMatch=NotOlderThan&resourceVersion=0", ""],
  [
    "resourceVersionMatch=Foo",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, resourceVersionMatch: Unsupported value: \\"Foo\\": supported values: \\"Exact\\", \\"NotOlderThan\\", \\"\\"]","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided","field":"resourceVersionMatch"},{"reason":"FieldValueNotSupported","message":"Unsupported value: \\"Foo\\": supported values: \\"Exact\\", \\"NotOlderThan\\", \\"\\"","field":"resourceVersionMatch"}]},"code":422}',
  ],
  [
    "resourceVersionMatch=Foo&resourceVersion=1&continue=x&sendInitialEvents=1",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided, resourceVersionMatch: Unsupported value: \\"Foo\\": supported values: \\"Exact\\", \\"NotOlderThan\\", \\"\\", sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list]","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: resourceVersionMatch is forbidden when continue is provided","field":"resourceVersionMatch"},{"reason":"FieldValueNotSupported","message":"Unsupported value: \\"Foo\\": supported values: \\"Exact\\", \\"NotOlderThan\\", \\"\\"","field":"resourceVersionMatch"},{"reason":"FieldValueForbidden","message":"Forbidden: sendInitialEvents is forbidden for list","field":"sendInitialEvents"}]},"code":422}',
  ],
  [
    "resourceVersionMatch=NotOlderThan&continue=x",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided]","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided","field":"resourceVersionMatch"},{"reason":"FieldValueForbidden","message":"Forbidden: resourceVersionMatch is forbidden when continue is provided","field":"resourceVersionMatch"}]},"code":422}',
  ],
  [
    "watch=1&sendInitialEvents=true",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan","field":"resourceVersionMatch"}]},"code":422}',
  ],
  ["watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", ""],
  ["watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=5", ""],
  [
    "watch=1&sendInitialEvents=true&resourceVersionMatch=Exact",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: [resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, resourceVersionMatch: Unsupported value: \\"Exact\\": supported values: \\"NotOlderThan\\"]","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan","field":"resourceVersionMatch"},{"reason":"FieldValueNotSupported","message":"Unsupported value: \\"Exact\\": supported values: \\"NotOlderThan\\"","field":"resourceVersionMatch"}]},"code":422}',
  ],
  [
    "watch=1&resourceVersionMatch=NotOlderThan&resourceVersion=5",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided","field":"resourceVersionMatch"}]},"code":422}',
  ],
  [
    "watch=1&resourceVersionMatch=Exact",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided, resourceVersionMatch: Unsupported value: \\"Exact\\": supported values: \\"NotOlderThan\\"]","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided","field":"resourceVersionMatch"},{"reason":"FieldValueNotSupported","message":"Unsupported value: \\"Exact\\": supported values: \\"NotOlderThan\\"","field":"resourceVersionMatch"}]},"code":422}',
  ],
  [
    "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: resourceVersionMatch is forbidden when continue is provided","field":"resourceVersionMatch"}]},"code":422}',
  ],
  [
    "watch=1&sendInitialEvents=0",
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ListOptions.meta.k8s.io \\"\\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan","reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":[{"reason":"FieldValueForbidden","message":"Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan","field":"resourceVersionMatch"}]},"code":422}',
  ],
  ["allowWatchBookmarks=&watch=1", ""],
];
