import { rootDirOf } from "../hub_certificates.ts";
import type { DoctorContext } from "./doctor_context.ts";
import { type Check, failed, type Finding, ok } from "./finding.ts";

const othersWrite = 0o022;
const othersAtAll = 0o077;

/** Whether others may change what the hub believes, or read its keys. */
export const rootDirCheck: Check = {
  name: "root-dir",
  run: async (context) => {
    const rootDir = rootDirOf(context.values);
    const found = await context.platform.disk.stat(rootDir);
    if (found === undefined) return [ok(`${rootDir} is not there yet: the hub makes it`)];
    if (found.kind !== "folder") {
      return [failed(`${rootDir} is no folder`, "move it away, or give another --root-dir")];
    }
    const faults = [
      ...(found.mode & othersWrite ? [writable(rootDir, found.mode)] : []),
      ...await exposedKeys(context, `${rootDir}/pki`),
    ];
    return faults.length > 0 ? faults : [ok(`${rootDir} and the keys in it are the hub's alone to change`)];
  },
};

function writable(path: string, mode: number): Finding {
  return failed(
    `others may write in ${path} (mode ${octal(mode)}), and so replace what the hub believes`,
    `chmod 700 ${path}`,
  );
}

async function exposedKeys({ platform: { disk } }: DoctorContext, pki: string): Promise<readonly Finding[]> {
  const names = (await disk.list(pki) ?? []).filter((name) => name.endsWith(".pem"));
  const stats = await Promise.all(
    names.map(async (name) => ({ path: `${pki}/${name}`, found: await disk.stat(`${pki}/${name}`) })),
  );
  return stats.flatMap(({ path, found }) =>
    found === undefined || (found.mode & othersAtAll) === 0 ? [] : [failed(
      `others may use ${path}, which holds a private key (mode ${octal(found.mode)})`,
      `chmod 600 ${path}; if others were on this machine, let the hub join anew with a new token`,
    )]
  );
}

/** `0644` */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
