/** Leases as apimachinery 0.36.3 writes them: protobuf with its envelope (base64), and JSON. */
export const LEASE_ROWS: readonly (readonly [string, string])[] = [
  [
    "azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRKmAgrhAQoGbm9kZS0xEgAaD2t1YmUtbm9kZS1sZWFzZSIAKgQ1ZDlmMgM4MTI4A0IICKC0gNgGEABKCAiw0IDYBhAAUABaBgoBYRIBMVoGCgFiEgEyYgcKA3gveRIAahsKBE5vZGUaBm5vZGUtMSIDdS0xKgJ2MTAAOAFyAWaKAWUKB2t1YmVsZXQSBlVwZGF0ZRoWY29vcmRpbmF0aW9uLms4cy5pby92MSIICKq0gNgGEAAyCEZpZWxkc1YxOiQKInsiZjpzcGVjIjp7ImY6aG9sZGVySWRlbnRpdHkiOnt9fX1CABJACgZub2RlLTEQKBoJCKC0gNgGEOgHIgsIqrSA2AYQgJTvOigAMhZPbGRlc3RFbXVsYXRpb25WZXJzaW9uOgJuMhoAIgA=",
    '{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"node-1","namespace":"kube-node-lease","uid":"5d9f","resourceVersion":"812","generation":3,"creationTimestamp":"2026-11-20T10:00:00Z","deletionTimestamp":"2026-11-20T11:00:00Z","deletionGracePeriodSeconds":0,"labels":{"a":"1","b":"2"},"annotations":{"x/y":""},"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"node-1","uid":"u-1","controller":false,"blockOwnerDeletion":true}],"finalizers":["f"],"managedFields":[{"manager":"kubelet","operation":"Update","apiVersion":"coordination.k8s.io/v1","time":"2026-11-20T10:00:10Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:holderIdentity":{}}}}]},"spec":{"holderIdentity":"node-1","leaseDurationSeconds":40,"acquireTime":"2026-11-20T10:00:00.000001Z","renewTime":"2026-11-20T10:00:10.123456Z","leaseTransitions":0,"strategy":"OldestEmulationVersion","preferredHolder":"n2"}}',
  ],
  [
    "azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRIpCiUKBm5vZGUtMRIAGg9rdWJlLW5vZGUtbGVhc2UiACoAMgA4AEIAEgAaACIA",
    '{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"node-1","namespace":"kube-node-lease"},"spec":{}}',
  ],
  [
    "azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRIqChUKBW7DtmRlEgAaACIAKgAyADgAQgASEQoAECgiCwiqtIDYBhCAwtcvGgAiAA==",
    '{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"nöde"},"spec":{"holderIdentity":"","leaseDurationSeconds":40,"renewTime":"2026-11-20T10:00:10.100000Z"}}',
  ],
];
