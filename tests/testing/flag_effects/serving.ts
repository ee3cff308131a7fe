import { mkdir, writeFile } from "node:fs/promises";
import type { FlagScene } from "../flag_scene.ts";

/** Leaves the hub a serving certificate, and the CA that pods believe, as an earlier run would have. */
export async function keepServing({ cloud: { signer: { authority } }, folder }: FlagScene): Promise<void> {
  const { cert, key } = await authority.issue({ commonName: "system:node:node-1", names: ["127.0.0.1"] });
  await mkdir(`${folder}/state/pki`, { recursive: true });
  await writeFile(`${folder}/state/pki/hub-server-current.pem`, `${cert}\n${key}`);
  await writeFile(`${folder}/state/pki/kube-root-ca.crt`, authority.caPem);
}
