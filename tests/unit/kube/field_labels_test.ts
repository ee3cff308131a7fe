import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fieldLabelProblem } from "../../../src/kube/field_labels.ts";
import { parseFieldSelector } from "../../../src/kube/field_selector.ts";
import { fieldsOf } from "../../../src/kube/field_values.ts";

function typeOf(groupVersionResource: string) {
  const parts = groupVersionResource.split("/");
  const [resource = "", version = "", group = ""] = parts.toReversed();
  return { group, version, resource };
}

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

describe("fieldLabelProblem says what kube-apiserver 1.36.3 said", () => {
  for (
    const [type, selector, problem] of [
      ["v1/pods", "spec.foo=1", "field label not supported: spec.foo"],
      ["v1/pods", "b=2,a=1", "field label not supported: a"],
      ["v1/pods", "=1", "field label not supported: "],
      ["v1/pods", "regarding.name=1", "field label not supported: regarding.name"],
      ["v1/nodes", "metadata.namespace=x", "field label not supported: metadata.namespace"],
      ["v1/namespaces", "name=1", "field label not supported: name"],
      [
        "v1/persistentvolumes",
        "name=1",
        '"name" is not a known field selector: only "metadata.name", "metadata.namespace"',
      ],
      [
        "apps/v1/replicasets",
        "status.replicas=1",
        '"status.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
      ],
      [
        "rbac.authorization.k8s.io/v1/clusterroles",
        'a"b<=1',
        '"a\\"b<" is not a known field selector: only "metadata.name", "metadata.namespace"',
      ],
      [
        "v1/configmaps",
        "café=1",
        '"café" is not a known field selector: only "metadata.name", "metadata.namespace"',
      ],
      [
        "v1/configmaps",
        "\u2028\x01=1",
        '"\\u2028\\x01" is not a known field selector: only "metadata.name", "metadata.namespace"',
      ],
      ["batch/v1/jobs", "foo=1", 'field label "foo" not supported for Job'],
      [
        "resource.k8s.io/v1/resourceslices",
        "metadata.namespace=1",
        "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: metadata.namespace",
      ],
      [
        "certificates.k8s.io/v1/certificatesigningrequests",
        "metadata.namespace=1",
        "field label not supported: metadata.namespace",
      ],
      ["events.k8s.io/v1/events", "involvedObject.name=1", "field label not supported: involvedObject.name"],
      ["events.k8s.io/v1/events", "source=1", "field label not supported: source"],
    ] as const
  ) {
    test(`${type} ${JSON.stringify(selector)}`, () => {
      assert.equal(fieldLabelProblem(typeOf(type), parseFieldSelector(selector)), problem);
    });
  }
});

describe("fieldLabelProblem finds none", () => {
  for (
    const [type, selector] of [
      ["v1/pods", ""],
      ["v1/pods", "metadata.name=a,metadata.namespace=b,spec.host=c,status.podIPs=d"],
      ["v1/pods", "spec.nodeName=a,spec.restartPolicy!=b,spec.schedulerName=c,spec.serviceAccountName=d"],
      ["v1/pods", "spec.hostNetwork=true,status.phase=a,status.podIP=b,status.nominatedNodeName=c"],
      ["v1/nodes", "spec.unschedulable=true,metadata.name=a"],
      ["v1/events", "involvedObject.uid=a,involvedObject.fieldPath=b,reason=c,source=d,type=e,reportingComponent=f"],
      ["events.k8s.io/v1/events", "regarding.uid=a,reason=b,reportingController=c,type=d"],
      ["v1/secrets", "type=Opaque"],
      ["v1/services", "spec.clusterIP=None,spec.type=ClusterIP"],
      ["v1/replicationcontrollers", "status.replicas=1"],
      ["batch/v1/jobs", "status.successful=1"],
      ["rbac.authorization.k8s.io/v1/clusterroles", "metadata.namespace=a"],
      ["example.com/v1/widgets", "spec.color=red"],
    ] as const
  ) {
    test(`${type} ${selector}`, () => {
      assert.equal(fieldLabelProblem(typeOf(type), parseFieldSelector(selector)), undefined);
    });
  }
});

describe("fieldsOf reads what the API server compares", () => {
  const metadata = { name: "a", namespace: "n" };
  for (
    const [type, object, field, value] of [
      ["v1/pods", { metadata, spec: { nodeName: "node-1" } }, "spec.nodeName", "node-1"],
      ["v1/pods", { metadata, spec: { nodeName: "node-1" } }, "spec.host", "node-1"],
      ["v1/pods", { metadata, spec: {} }, "spec.nodeName", ""],
      ["v1/pods", { metadata, spec: null }, "spec.nodeName", ""],
      ["v1/pods", { metadata }, "spec.hostNetwork", "false"],
      ["v1/pods", { metadata, spec: { hostNetwork: true } }, "spec.hostNetwork", "true"],
      [
        "v1/pods",
        { metadata, status: { podIP: "10.0.0.1", podIPs: [{ ip: "10.0.0.1" }] } },
        "status.podIP",
        "10.0.0.1",
      ],
      ["v1/pods", { metadata, status: { podIP: "10.0.0.1", podIPs: [{ ip: "10.0.0.1" }] } }, "status.podIPs", ""],
      ["v1/pods", { metadata }, "metadata.namespace", "n"],
      ["v1/pods", { metadata }, "spec.volumes", undefined],
      ["v1/nodes", { metadata: { name: "a" }, spec: {} }, "spec.unschedulable", "false"],
      ["v1/events", { metadata, source: { component: "kubelet" }, reportingComponent: "x" }, "source", "kubelet"],
      ["v1/events", { metadata, source: {}, reportingComponent: "x" }, "source", "x"],
      ["v1/events", { metadata, involvedObject: { name: 'a"b' } }, "involvedObject.name", 'a"b'],
      ["events.k8s.io/v1/events", { metadata, regarding: { kind: "Pod" } }, "regarding.kind", "Pod"],
      ["batch/v1/jobs", { metadata, status: { succeeded: 3 } }, "status.successful", "3"],
      ["batch/v1/jobs", { metadata, status: {} }, "status.successful", "0"],
      ["apps/v1/replicasets", { metadata, status: { replicas: 1 } }, "status.replicas", undefined],
      ["example.com/v1/widgets", { metadata, spec: { color: "red" } }, "spec.color", undefined],
      ["example.com/v1/widgets", { metadata }, "metadata.name", "a"],
    ] as const
  ) {
    test(`${type} ${field} ${JSON.stringify(object)}`, () => {
      assert.equal(fieldsOf(typeOf(type), bytes(object))(field), value);
    });
  }
});
