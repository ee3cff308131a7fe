/** A body of protobuf, base64, as Go's serializer writes it, and its JSON, as Go writes that. */
export interface ProtobufRow {
  readonly name: string;
  readonly json: string;
  readonly body: string;
}

export const PROTOBUF_ROWS: readonly ProtobufRow[] = [
  {
    name: "a Lease with all metadata",
    json: `{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"n","namespace":"default","` +
      `uid":"u","resourceVersion":"7","generation":2,"creationTimestamp":"2026-01-02T03:04:05Z","deletionTi` +
      `mestamp":"2026-01-02T03:04:06Z","deletionGracePeriodSeconds":0,"labels":{"a":"1","b":""},"annotation` +
      `s":{"example.com/html":"\\u003c\\u0026\\u003e"},"ownerReferences":[{"apiVersion":"v1","kind":"Node","na` +
      `me":"n","uid":"u","controller":false}],"finalizers":["example.com/held"],"managedFields":[{"manager"` +
      `:"m","operation":"Update","apiVersion":"v1","time":"2026-01-02T03:04:05Z","fieldsType":"FieldsV1","f` +
      `ieldsV1":{"f:metadata":{"f:labels":{".":{},"f:a":{}}}},"subresource":"status"}]},"spec":{"holderIden` +
      `tity":"","leaseDurationSeconds":0,"acquireTime":"2026-01-02T03:04:05.000001Z","renewTime":"1969-12-3` +
      `1T23:59:59.999999Z","leaseTransitions":-1}}`,
    body: "azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRKNAgrbAQoBbhIAGgdkZWZhdWx0IgAqAXUyATc4AkIICKXr3MoG" +
      "EABKCAim69zKBhAAUABaBgoBYRIBMVoFCgFiEgBiFwoQZXhhbXBsZS5jb20vaHRtbBIDPCY+ahIKBE5vZGUaAW4iAXUqAnYxMABy" +
      "EGV4YW1wbGUuY29tL2hlbGSKAVwKAW0SBlVwZGF0ZRoCdjEiCAil69zKBhAAMghGaWVsZHNWMTovCi17ImY6bWV0YWRhdGEiOnsi" +
      "ZjpsYWJlbHMiOnsiLiI6e30sImY6YSI6e319fX1CBnN0YXR1cxItCgAQABoJCKXr3MoGEOgHIhEI////////////ARCYjOvcAyj/" +
      "//////////8BGgAiAA==",
  },
  {
    name: "a Lease of nothing",
    json: `{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{},"spec":{}}`,
    body: "azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRIUChAKABIAGgAiACoAMgA4AEIAEgAaACIA",
  },
  {
    name: "an Event of core",
    json: `{"kind":"Event","apiVersion":"v1","metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p"}` +
      `,"reason":"R","message":"m","source":{"component":"kubelet"},"firstTimestamp":"2026-01-02T03:04:05Z"` +
      `,"lastTimestamp":"2026-01-02T03:04:06Z","count":2,"type":"Normal","eventTime":null,"reportingCompone` +
      `nt":"","reportingInstance":""}`,
    body: "azhzAAoLCgJ2MRIFRXZlbnQSYAoRCgFlEgAaACIAKgAyADgAQgASEgoDUG9kEgAaAXAiACoAMgA6ABoBUiIBbSoLCgdrdWJlbGV0" +
      "EgAyCAil69zKBhAAOggIpuvcygYQAEACSgZOb3JtYWxSAGIAcgB6ABoAIgA=",
  },
  {
    name: "an Event of events.k8s.io",
    json: `{"kind":"Event","apiVersion":"events.k8s.io/v1","metadata":{"name":"e"},"eventTime":"2026-01-02T03:0` +
      `4:05.000000Z","series":{"count":0,"lastObservedTime":null},"regarding":{},"related":{},"note":"😀","d` +
      `eprecatedSource":{},"deprecatedFirstTimestamp":null,"deprecatedLastTimestamp":null}`,
    body: "azhzAAoZChBldmVudHMuazhzLmlvL3YxEgVFdmVudBJfChEKAWUSABoAIgAqADIAOABCABIICKXr3MoGEAAaBAgAEgAiACoAMgA6" +
      "AEIOCgASABoAIgAqADIAOgBKDgoAEgAaACIAKgAyADoAUgTwn5iAWgBiBAoAEgBqAHIAeAAaACIA",
  },
  {
    name: "a TokenRequest",
    json: `{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","metadata":{},"spec":{"audiences":["a` +
      `","b"],"expirationSeconds":3607,"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p","uid":"u` +
      `"}},"status":{"token":"","expirationTimestamp":null}}`,
    body: "azhzAAooChhhdXRoZW50aWNhdGlvbi5rOHMuaW8vdjESDFRva2VuUmVxdWVzdBI0ChAKABIAGgAiACoAMgA4AEIAEhoKAWEKAWIa" +
      "DwoDUG9kEgJ2MRoBcCIBdSCXHBoECgASABoAIgA=",
  },
  {
    name: "a TokenRequest of nothing",
    json: `{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","metadata":{},"spec":{"audiences":nul` +
      `l,"expirationSeconds":null,"boundObjectRef":null},"status":{"token":"t","expirationTimestamp":"2026-` +
      `01-02T03:04:05Z"}}`,
    body: "azhzAAooChhhdXRoZW50aWNhdGlvbi5rOHMuaW8vdjESDFRva2VuUmVxdWVzdBIjChAKABIAGgAiACoAMgA4AEIAEgAaDQoBdBII" +
      "CKXr3MoGEAAaACIA",
  },
  {
    name: "DeleteOptions",
    json: `{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,"preconditions":{"uid":"u"},"dryRun` +
      `":["All"]}`,
    body: "azhzAAoTCgJ2MRINRGVsZXRlT3B0aW9ucxIMCAASAwoBdSoDQWxsGgAiAA==",
  },
  {
    name: "DeleteOptions of nothing",
    json: `{"kind":"DeleteOptions","apiVersion":"coordination.k8s.io/v1"}`,
    body: "azhzAAonChZjb29yZGluYXRpb24uazhzLmlvL3YxEg1EZWxldGVPcHRpb25zEgAaACIA",
  },
];
