const POD_TEMPLATE = `"template":{"metadata":{},"spec":{"containers":null}}`;

const NODE_STATUS =
  `"status":{"daemonEndpoints":{"kubeletEndpoint":{"Port":0}},"nodeInfo":{"machineID":"","systemUUID":"",` +
  `"bootID":"","kernelVersion":"","osImage":"","containerRuntimeVersion":"","kubeletVersion":"","kubeProxyVersion":"",` +
  `"operatingSystem":"","architecture":""}}`;

/**
 * What a bookmark holds behind its metadata, by `apiVersion kind`: the members that Go writes of an empty object
 * (checked against k8s.io/api 0.36). Kinds that are not here have none, or clients that do not look.
 */
export const BOOKMARK_MEMBERS: ReadonlyMap<string, string> = new Map([
  ["v1 Pod", `,"spec":{"containers":null},"status":{}`],
  ["v1 Node", `,"spec":{},${NODE_STATUS}`],
  ["v1 Service", `,"spec":{},"status":{"loadBalancer":{}}`],
  ["v1 Namespace", `,"spec":{},"status":{}`],
  ["v1 PersistentVolume", `,"spec":{},"status":{}`],
  ["v1 PersistentVolumeClaim", `,"spec":{"resources":{}},"status":{}`],
  ["v1 ResourceQuota", `,"spec":{},"status":{}`],
  ["v1 LimitRange", `,"spec":{"limits":null}`],
  ["v1 PodTemplate", `,${POD_TEMPLATE}`],
  ["batch/v1 Job", `,"spec":{${POD_TEMPLATE}},"status":{}`],
  ["coordination.k8s.io/v1 Lease", `,"spec":{}`],
  ["discovery.k8s.io/v1 EndpointSlice", `,"addressType":"","endpoints":null,"ports":null`],
  ["networking.k8s.io/v1 Ingress", `,"spec":{},"status":{"loadBalancer":{}}`],
  ["networking.k8s.io/v1 IngressClass", `,"spec":{}`],
  ["networking.k8s.io/v1 NetworkPolicy", `,"spec":{"podSelector":{}}`],
  ["node.k8s.io/v1 RuntimeClass", `,"handler":""`],
  ["rbac.authorization.k8s.io/v1 ClusterRole", `,"rules":null`],
  ["rbac.authorization.k8s.io/v1 Role", `,"rules":null`],
  ["scheduling.k8s.io/v1 PriorityClass", `,"value":0`],
  ["storage.k8s.io/v1 CSIDriver", `,"spec":{}`],
  ["storage.k8s.io/v1 CSINode", `,"spec":{"drivers":null}`],
  ["storage.k8s.io/v1 StorageClass", `,"provisioner":""`],
  [
    "storage.k8s.io/v1 VolumeAttachment",
    `,"spec":{"attacher":"","source":{},"nodeName":""},"status":{"attached":false}`,
  ],
]);
