import type { JsonView } from "./json_view.ts";
import { AGE, ageOf, column, NAME, nameOf, type TablePrinter, wide } from "./table_printer.ts";

export const PERSISTENT_VOLUMES: TablePrinter = {
  columns: [
    NAME,
    column(
      "Capacity",
      "capacity is the description of the persistent volume's resources and capacity. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#capacity",
    ),
    column(
      "Access Modes",
      "accessModes contains all ways the volume can be mounted. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#access-modes",
    ),
    column(
      "Reclaim Policy",
      "persistentVolumeReclaimPolicy defines what happens to a persistent volume when released from its claim. Valid options are Retain (default for manually created PersistentVolumes), Delete (default for dynamically provisioned PersistentVolumes), and Recycle (deprecated). Recycle must be supported by the volume plugin underlying this PersistentVolume. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#reclaiming",
    ),
    column(
      "Status",
      "phase indicates if a volume is available, bound to a claim, or released by a claim. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#phase",
    ),
    column(
      "Claim",
      "claimRef is part of a bi-directional binding between PersistentVolume and PersistentVolumeClaim. Expected to be non-nil when bound. claim.VolumeName is the authoritative bind between PV and PVC. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#binding",
    ),
    column("StorageClass", "StorageClass of the pv"),
    column("VolumeAttributesClass", "VolumeAttributesClass of the pv"),
    column(
      "Reason",
      "reason is a brief CamelCase string that describes any failure and is meant for machine parsing and tidy display in the CLI.",
    ),
    AGE,
    wide(
      "VolumeMode",
      "volumeMode defines if a volume is intended to be used with a formatted filesystem or to remain in raw block state. Value of Filesystem is implied when not included in spec.",
    ),
  ],
  row: (object, nowMs) => {
    const spec = object.at("spec");
    const claim = spec.at("claimRef");
    return {
      cells: [
        nameOf(object),
        spec.at("capacity", "storage").text("0"),
        accessModes(spec.at("accessModes")),
        spec.at("persistentVolumeReclaimPolicy").text(),
        phaseOf(object),
        claim.exists ? `${claim.at("namespace").text()}/${claim.at("name").text()}` : "",
        storageClass(object),
        spec.at("volumeAttributesClassName").text("<unset>"),
        object.at("status", "reason").text(),
        ageOf(object, nowMs),
        spec.at("volumeMode").text("<unset>"),
      ],
    };
  },
};

export const PERSISTENT_VOLUME_CLAIMS: TablePrinter = {
  columns: [
    NAME,
    column("Status", "phase represents the current phase of PersistentVolumeClaim."),
    column("Volume", "volumeName is the binding reference to the PersistentVolume backing this claim."),
    column("Capacity", "capacity represents the actual resources of the underlying volume."),
    column(
      "Access Modes",
      "accessModes contains the actual access modes the volume backing the PVC has. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#access-modes-1",
    ),
    column("StorageClass", "StorageClass of the pvc"),
    column("VolumeAttributesClass", "VolumeAttributesClass of the pvc"),
    AGE,
    wide(
      "VolumeMode",
      "volumeMode defines what type of volume is required by the claim. Value of Filesystem is implied when not included in claim spec.",
    ),
  ],
  row: (object, nowMs) => {
    const spec = object.at("spec");
    const volume = spec.at("volumeName").text();
    return {
      cells: [
        nameOf(object),
        phaseOf(object),
        volume,
        volume === "" ? "" : object.at("status", "capacity", "storage").text("0"),
        volume === "" ? "" : accessModes(object.at("status", "accessModes")),
        storageClass(object),
        spec.at("volumeAttributesClassName").text("<unset>"),
        ageOf(object, nowMs),
        spec.at("volumeMode").text("<unset>"),
      ],
    };
  },
};

const DEFAULT_CLASS: readonly string[] = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];

export const STORAGE_CLASSES: TablePrinter = {
  columns: [
    NAME,
    column("Provisioner", "provisioner indicates the type of the provisioner."),
    column(
      "ReclaimPolicy",
      "reclaimPolicy controls the reclaimPolicy for dynamically provisioned PersistentVolumes of this storage class. Defaults to Delete.",
    ),
    column(
      "VolumeBindingMode",
      "volumeBindingMode indicates how PersistentVolumeClaims should be provisioned and bound.  When unset, VolumeBindingImmediate is used. This field is only honored by servers that enable the VolumeScheduling feature.",
    ),
    column("AllowVolumeExpansion", "allowVolumeExpansion shows whether the storage class allow volume expand."),
    AGE,
  ],
  row: (object, nowMs) => {
    const annotations = object.at("metadata", "annotations");
    const isDefault = DEFAULT_CLASS.some((key) => annotations.at(key).text() === "true");
    return {
      cells: [
        nameOf(object) + (isDefault ? " (default)" : ""),
        object.at("provisioner").text(),
        object.at("reclaimPolicy").text("Delete"),
        object.at("volumeBindingMode").text("Immediate"),
        object.at("allowVolumeExpansion").flag(),
        ageOf(object, nowMs),
      ],
    };
  },
};

export const CSI_NODES: TablePrinter = {
  columns: [
    NAME,
    column("Drivers", "Drivers indicates the number of CSI drivers registered on the node", "integer"),
    AGE,
  ],
  row: (object, nowMs) => ({
    cells: [nameOf(object), object.at("spec", "drivers").items().length, ageOf(object, nowMs)],
  }),
};

export const CSI_DRIVERS: TablePrinter = {
  columns: [
    NAME,
    column(
      "AttachRequired",
      "attachRequired indicates this CSI volume driver requires an attach operation (because it implements the CSI ControllerPublishVolume() method), and that the Kubernetes attach detach controller should call the attach volume interface which checks the volumeattachment status and waits until the volume is attached before proceeding to mounting. The CSI external-attacher coordinates with CSI volume driver and updates the volumeattachment status when the attach operation is complete. If the value is specified to false, the attach operation will be skipped. Otherwise the attach operation will be called.\n\nThis field is immutable.",
      "boolean",
    ),
    column(
      "PodInfoOnMount",
      'podInfoOnMount indicates this CSI volume driver requires additional pod information (like podName, podUID, etc.) during mount operations, if set to true. If set to false, pod information will not be passed on mount. Default is false.\n\nThe CSI driver specifies podInfoOnMount as part of driver deployment. If true, Kubelet will pass pod information as VolumeContext in the CSI NodePublishVolume() calls. The CSI driver is responsible for parsing and validating the information passed in as VolumeContext.\n\nThe following VolumeContext will be passed if podInfoOnMount is set to true. This list might grow, but the prefix will be used. "csi.storage.k8s.io/pod.name": pod.Name "csi.storage.k8s.io/pod.namespace": pod.Namespace "csi.storage.k8s.io/pod.uid": string(pod.UID) "csi.storage.k8s.io/ephemeral": "true" if the volume is an ephemeral inline volume\n                                defined by a CSIVolumeSource, otherwise "false"\n\n"csi.storage.k8s.io/ephemeral" is a new feature in Kubernetes 1.16. It is only required for drivers which support both the "Persistent" and "Ephemeral" VolumeLifecycleMode. Other drivers can leave pod info disabled and/or ignore this field. As Kubernetes 1.15 doesn\'t support this field, drivers can only support one mode when deployed on such a cluster and the deployment determines which mode that is, for example via a command line parameter of the driver.\n\nThis field was immutable in Kubernetes < 1.29 and now is mutable.',
      "boolean",
    ),
    column(
      "StorageCapacity",
      "storageCapacity indicates that the CSI volume driver wants pod scheduling to consider the storage capacity that the driver deployment will report by creating CSIStorageCapacity objects with capacity information, if set to true.\n\nThe check can be enabled immediately when deploying a driver. In that case, provisioning new volumes with late binding will pause until the driver deployment has published some suitable CSIStorageCapacity object.\n\nAlternatively, the driver can be deployed with the field unset or false and it can be flipped later when storage capacity information has been published.\n\nThis field was immutable in Kubernetes <= 1.22 and now is mutable.",
      "boolean",
    ),
    column(
      "TokenRequests",
      'tokenRequests indicates the CSI driver needs pods\' service account tokens it is mounting volume for to do necessary authentication. Kubelet will pass the tokens in VolumeContext in the CSI NodePublishVolume calls. The CSI driver should parse and validate the following VolumeContext: "csi.storage.k8s.io/serviceAccount.tokens": {\n  "<audience>": {\n    "token": <token>,\n    "expirationTimestamp": <expiration timestamp in RFC3339>,\n  },\n  ...\n}\n\nNote: Audience in each TokenRequest should be different and at most one token is empty string. To receive a new token after expiry, RequiresRepublish can be used to trigger NodePublishVolume periodically.',
    ),
    column(
      "RequiresRepublish",
      "requiresRepublish indicates the CSI driver wants `NodePublishVolume` being periodically called to reflect any possible change in the mounted volume. This field defaults to false.\n\nNote: After a successful initial NodePublishVolume call, subsequent calls to NodePublishVolume should only update the contents of the volume. New mount points will not be seen by a running container.",
      "boolean",
    ),
    column(
      "Modes",
      'volumeLifecycleModes defines what kind of volumes this CSI volume driver supports. The default if the list is empty is "Persistent", which is the usage defined by the CSI specification and implemented in Kubernetes via the usual PV/PVC mechanism.\n\nThe other mode is "Ephemeral". In this mode, volumes are defined inline inside the pod spec with CSIVolumeSource and their lifecycle is tied to the lifecycle of that pod. A driver has to be aware of this because it is only going to get a NodePublishVolume call for such a volume.\n\nFor more information about implementing this mode, see https://kubernetes-csi.github.io/docs/ephemeral-local-volumes.html A driver can support one or more of these modes and more modes may be added in the future.\n\nThis field is beta. This field is immutable.',
    ),
    AGE,
  ],
  row: (object, nowMs) => {
    const spec = object.at("spec");
    const requests = spec.at("tokenRequests");
    return {
      cells: [
        nameOf(object),
        spec.at("attachRequired").flag(true),
        spec.at("podInfoOnMount").flag(),
        spec.at("storageCapacity").flag(),
        requests.exists ? requests.items().map((request) => request.at("audience").text()).join(",") : "<unset>",
        spec.at("requiresRepublish").flag(),
        spec.at("volumeLifecycleModes").texts().join(",") || "<none>",
        ageOf(object, nowMs),
      ],
    };
  },
};

export const VOLUME_ATTACHMENTS: TablePrinter = {
  columns: [
    NAME,
    {
      ...column(
        "Attacher",
        "attacher indicates the name of the volume driver that MUST handle this request. This is the name returned by GetPluginName().",
      ),
      format: "name",
    },
    column("PV", "persistentVolumeName represents the name of the persistent volume to attach."),
    column("Node", "nodeName represents the node that the volume should be attached to."),
    column(
      "Attached",
      "attached indicates the volume is successfully attached. This field must only be set by the entity completing the attach operation, i.e. the external-attacher.",
      "boolean",
    ),
    AGE,
  ],
  row: (object, nowMs) => {
    const spec = object.at("spec");
    return {
      cells: [
        nameOf(object),
        spec.at("attacher").text(),
        spec.at("source", "persistentVolumeName").text(),
        spec.at("nodeName").text(),
        object.at("status", "attached").flag(),
        ageOf(object, nowMs),
      ],
    };
  },
};

/** In the order in which they are shown. */
const ACCESS_MODES: readonly (readonly [string, string])[] = [
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
];

function accessModes(modes: JsonView): string {
  const present = modes.texts();
  return ACCESS_MODES.filter(([mode]) => present.includes(mode)).map(([, shown]) => shown).join(",");
}

function phaseOf(object: JsonView): string {
  return object.at("metadata", "deletionTimestamp").exists ? "Terminating" : object.at("status", "phase").text();
}

function storageClass(object: JsonView): string {
  const annotation = object.at("metadata", "annotations", "volume.beta.kubernetes.io/storage-class");
  return annotation.exists ? annotation.text() : object.at("spec", "storageClassName").text();
}
