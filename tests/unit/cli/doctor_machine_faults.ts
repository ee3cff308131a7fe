import { StoreError } from "../../../src/platform/store.ts";
import { type Fault, text } from "./doctor_fault.ts";
import { file, key, kubeletConfig, sealedStore, type WorldAnswer } from "./doctor_scene.ts";

const webServer = (): WorldAnswer => text("<html>", 404);

/** What the status server of a running hub answers. @param readiness the line of its HTTPS port */
export function hubAt(nodeName: string, readiness: string): (path: string) => WorldAnswer {
  const status = text(JSON.stringify({ version: "0.1.0", runtime: "bun", nodeName }));
  return (path) => path === "/v1/status" ? status : text(`${readiness}\n`);
}

/** Of this machine. */
export const machineFaults: readonly Fault[] = [
  {
    what: "a full disk",
    plant: (world) => void (world.writeError = "ENOSPC"),
    check: "disk",
    status: "failed",
    says: /\/var\/lib\/holdfast is full/,
    advises: /make room/,
  },
  {
    what: "a disk that is as good as full",
    plant: (world) => void (world.freeBytes = 3 * 1024 * 1024),
    check: "disk",
    status: "failed",
    says: /is as good as full: 3 MiB are free/,
    advises: /make room/,
  },
  {
    what: "a read-only disk",
    plant: (world) => void (world.writeError = "EROFS"),
    check: "disk",
    status: "failed",
    says: /\/var\/lib\/holdfast is read-only/,
    advises: /dmesg/,
  },
  {
    what: "a disk with less room than the hub may take",
    plant: (world) => void (world.freeBytes = 500 * 1024 * 1024),
    check: "disk",
    status: "warning",
    says: /500 MiB are free, and what the hub keeps may grow by 1088 MiB/,
    advises: /--cache-max-bytes/,
  },
  {
    what: "a slow disk",
    plant: (world) => void (world.writeMs = 450),
    check: "disk",
    status: "warning",
    says: /a durable write takes (4[5-9]|5\d)\d ms/,
    advises: /power loss/,
  },
  {
    what: "a root-dir that others may write in",
    plant: (world) => void world.folders.set("/var/lib/holdfast", 0o777),
    check: "root-dir",
    status: "failed",
    says: /others may write in \/var\/lib\/holdfast \(mode 0777\)/,
    advises: /chmod 700 \/var\/lib\/holdfast/,
  },
  {
    what: "a private key that others may read",
    plant: (world) => {
      const path = "/var/lib/holdfast/pki/hub-server-current.pem";
      world.files.set(path, { text: world.files.get(path)?.text ?? "", mode: 0o644 });
    },
    check: "root-dir",
    status: "failed",
    says: /hub-server-current.pem, which holds a private key \(mode 0644\)/,
    advises: /chmod 600/,
  },
  {
    what: "a storage key that everybody may read",
    plant: (world) => void world.files.set("/var/lib/holdfast/storage.key", { text: key, mode: 0o644 }),
    check: "storage-key",
    status: "failed",
    says: /everybody may use the storage key \/var\/lib\/holdfast\/storage.key \(mode 0644\)/,
    advises: /cache rekey/,
  },
  {
    what: "a storage key that its group may read",
    plant: (world) => void world.files.set("/var/lib/holdfast/storage.key", { text: key, mode: 0o440 }),
    check: "storage-key",
    status: "warning",
    says: /its group may use the storage key/,
    advises: /chmod 600/,
  },
  {
    what: "another storage key than the store's",
    plant: async (world) => {
      world.store = await sealedStore("o".repeat(32));
      world.files.set("/var/lib/holdfast/cache/holdfast.db", { text: "SQLite", mode: 0o600 });
    },
    check: "storage-key",
    status: "failed",
    says: /sealed with another key than \/var\/lib\/holdfast\/storage.key/,
    advises: /bring the right key back/,
  },
  {
    what: "a store that is damaged",
    plant: (world) => void (world.openError = new StoreError("corrupt", "Cannot open it: malformed")),
    check: "storage-key",
    status: "failed",
    says: /what is kept cannot be read: Cannot open it: malformed/,
    advises: /kept aside when the hub starts/,
  },
  {
    what: "a storage key that is gone",
    plant: (world) => {
      world.files.delete("/var/lib/holdfast/storage.key");
      world.files.set("/var/lib/holdfast/cache/holdfast.db", { text: "SQLite", mode: 0o600 });
    },
    check: "storage-key",
    status: "failed",
    says: /storage.key is missing, and .*holdfast.db was sealed with it/,
    advises: /bring the key back/,
  },
  {
    what: "a storage key of the wrong length",
    plant: (world) => void world.files.set("/var/lib/holdfast/storage.key", { text: "short", mode: 0o600 }),
    check: "storage-key",
    status: "failed",
    says: /it has 5 bytes instead of 32/,
    advises: /docs\/cache.md/,
  },
  {
    what: "a port that another program has",
    plant: (world) => void world.taken.set(10261, webServer),
    check: "ports",
    status: "failed",
    says: /127\.0\.0\.1:10261 is held by another program/,
    advises: /ss -ltnp "sport = :10261".*--proxy-port/,
  },
  {
    what: "a program without HTTP at a port",
    plant: (world) => void world.taken.set(10268, () => undefined),
    check: "ports",
    status: "failed",
    says: /127\.0\.0\.1:10268 is held by another program/,
    advises: /--proxy-secure-port/,
  },
  {
    what: "a YurtHub at the hub's port",
    plant: (world) => void world.taken.set(10267, (path) => path === "/v1/healthz" ? text("OK") : webServer()),
    check: "ports",
    status: "failed",
    says: /127\.0\.0\.1:10267 is held by another program; a YurtHub runs here/,
    advises: /stop YurtHub first/,
  },
  {
    what: "a hub of another node",
    plant: (world) => void world.taken.set(10267, hubAt("node-2", "[!]secure-port")),
    check: "ports",
    status: "failed",
    says: /held by a hub of the node node-2, and --node-name is node-1/,
    advises: /other ports/,
  },
  {
    what: "ports that this user may not have",
    plant: (world) => void (world.listenError = "EADDRNOTAVAIL"),
    check: "ports",
    status: "failed",
    says: /this machine does not have the address of 127\.0\.0\.1:10261/,
    advises: /--bind-proxy-address/,
  },
  {
    what: "a kubelet that asks past the hub",
    plant: (world) =>
      void world.files.set("/etc/kubernetes/kubelet.conf", file(kubeletConfig("https://cloud.example:6443"))),
    check: "kubelet",
    status: "failed",
    says: /kubelet.conf points past the hub at https:\/\/cloud.example:6443/,
    advises: /set server: http:\/\/127\.0\.0\.1:10261/,
  },
  {
    what: "a kubelet that asks at another port",
    plant: (world) =>
      void world.files.set("/etc/kubernetes/kubelet.conf", file(kubeletConfig("http://127.0.0.1:6443"))),
    check: "kubelet",
    status: "failed",
    says: /points at http:\/\/127\.0\.0\.1:6443, and the hub's port is 10261/,
    advises: /restart kubelet/,
  },
  {
    what: "a kubelet that does not run and would ask past the hub",
    plant: (world) => {
      world.files.delete("/proc/7/cmdline");
      world.files.set("/etc/kubernetes/kubelet.conf", file(kubeletConfig("https://cloud.example:6443")));
    },
    check: "kubelet",
    status: "warning",
    says: /kubelet does not run, and \/etc\/kubernetes\/kubelet.conf points past the hub/,
    advises: /--kubelet-kubeconfig/,
  },
  {
    what: "a kubeconfig of kubelet's that is no kubeconfig",
    plant: (world) => void world.files.set("/etc/kubernetes/kubelet.conf", { text: "a: [", mode: 0o600 }),
    check: "kubelet",
    status: "failed",
    says: /Cannot read \/etc\/kubernetes\/kubelet.conf: it is no YAML/,
    advises: /--kubelet-kubeconfig/,
  },
  {
    what: "a network plugin that writes to the API",
    plant: (world) =>
      void world.files.set(
        "/etc/cni/net.d/05-calico.conflist",
        file({ plugins: [{ type: "calico", datastore_type: "kubernetes", ipam: { type: "calico-ipam" } }] }),
      ),
    check: "cni",
    status: "warning",
    says: /05-calico.conflist needs the API for every pod \(calico: .*; calico-ipam: .*\): while the link is cut/,
    advises: /host-local/,
  },
  {
    what: "a network configuration that is none",
    plant: (world) => void world.files.set("/etc/cni/net.d/00-x.conf", { text: "{", mode: 0o644 }),
    check: "cni",
    status: "warning",
    says: /00-x.conf is no configuration of a network plugin/,
    advises: /written/,
  },
];
