import { mkdir, writeFile } from "node:fs/promises";
import type { ProgramCloud } from "./hub_program.ts";

/** Lays a serving certificate where a hub keeps its own, as the cluster would have signed it before. */
export async function giveServingCertificate({ authority, folder }: ProgramCloud): Promise<void> {
  const { cert, key } = await authority.issue({ commonName: "system:node:node-1", names: ["127.0.0.1", "localhost"] });
  await mkdir(`${folder}/state/pki`, { recursive: true, mode: 0o700 });
  await writeFile(`${folder}/state/pki/hub-server-current.pem`, `${cert}${key}`, { mode: 0o600 });
}
