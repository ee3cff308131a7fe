import { loadCertificateIdentity } from "../identity/certificate_identity.ts";
import { loadKubeconfig } from "../identity/kubeconfig.ts";
import type { Store } from "../platform/store.ts";
import { createSealedStore } from "../store/sealed_store.ts";
import { type CacheContext, openingKey, placeOf } from "./cache_store.ts";
import { certMgrModeOf } from "./cert_mgr_mode.ts";
import { outboxPath, refuseOtherKey, storageKeyPath, storePath } from "./hub_storage.ts";
import { refuseInterruptedRekey } from "./interrupted_rekey.ts";

/**
 * Reads what a start reads and writes nothing, for another hub runs on it: identity, storage key, and whether the stores
 * open with it. Who could not start must not end who runs.
 *
 * @throws what the start would throw
 */
export async function rehearseStart(context: CacheContext): Promise<void> {
  await readIdentity(context);
  await readStores(context);
}

async function readIdentity({ platform: { files }, values }: CacheContext): Promise<void> {
  const kubeconfig = values.string("kubeconfig");
  if (kubeconfig !== "") {
    await loadKubeconfig({ files, path: kubeconfig });
  } else if (certMgrModeOf(values) === "kubelet") {
    const caFile = values.string("kubelet-ca-file");
    await loadCertificateIdentity({ files, caFile, certificateFile: values.string("kubelet-client-certificate") });
  } else {
    const pki = `${values.string("root-dir").replace(/\/+$/, "")}/pki`;
    await loadCertificateIdentity({ files, caFile: `${pki}/ca.crt`, certificateFile: `${pki}/hub-client-current.pem` });
  }
}

async function readStores(context: CacheContext): Promise<void> {
  const { platform } = context;
  const place = placeOf(context);
  await refuseInterruptedRekey(place);
  const cipher = platform.createCipher(await openingKey(place));
  const stores: Store[] = [];
  try {
    for (const [path, durability] of [[storePath(place), "normal"], [outboxPath(place), "full"]] as const) {
      stores.push(createSealedStore(await platform.openStore({ path, durability, readOnly: true }), cipher));
    }
    await refuseOtherKey(place, { keyPath: await storageKeyPath(place), stores });
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}
