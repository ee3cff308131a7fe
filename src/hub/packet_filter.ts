import { hostPrefix } from "./dummy_interface.ts";
import { ProgramError, type RunProgram } from "./system_program.ts";

/** Where pods reach the hub, for the rules that let them. */
export interface OpenAddress {
  readonly ip: string;
  readonly port: number;
}

/** The programs of one variant of iptables for one address family: they begin with this. */
export interface PacketFilter {
  readonly prefix: string;
  /** Whether kubelet has said that this variant is the one. */
  readonly isSure: boolean;
}

interface Rule {
  readonly chain: "INPUT" | "OUTPUT";
  readonly match: string;
  readonly comment: string;
}

/** Begins the comment of each rule of the hub: by it they are found again. */
const mark = "holdfast-hub";
/** kubelet's, in the table `mangle` of the variant that this machine uses (KEP-3178). */
const kubeletHint = /:(KUBE-IPTABLES-HINT|KUBE-KUBELET-CANARY)\b/;

/**
 * The variant that this machine uses: where kubelet has left its hint; else the one with more rules; else the nft one.
 *
 * @throws ProgramError where there is none
 */
export async function findPacketFilter(run: RunProgram, ip: string): Promise<PacketFilter> {
  const base = ip.includes(":") ? "ip6tables" : "iptables";
  const counted: { readonly prefix: string; readonly rules: number }[] = [];
  for (const variant of ["nft", "legacy"]) {
    const prefix = `${base}-${variant}`;
    const saved = await run(`${prefix}-save`, ["-t", "mangle"]).catch(ignoreProgramError);
    if (saved === undefined) continue;
    if (kubeletHint.test(saved)) return { prefix, isSure: true };
    counted.push({ prefix, rules: saved.split("\n").filter((line) => line.startsWith("-")).length });
  }
  const [most] = counted.toSorted((a, b) => b.rules - a.rules); // of two with as many rules the first: nft
  return { prefix: most?.prefix ?? base, isSure: false };
}

/**
 * Lets pods through to the hub: puts in front what rules are missing, and takes away those of the hub for other addresses.
 *
 * @returns whether anything was changed
 * @throws ProgramError
 */
export async function ensureRules(run: RunProgram, { prefix }: PacketFilter, open?: OpenAddress): Promise<boolean> {
  const saved = await run(`${prefix}-save`, ["-t", "filter"]);
  const change = changeOf(saved, open === undefined ? [] : rulesFor(open));
  if (change === undefined) return false;
  await run(`${prefix}-restore`, ["--noflush", "--wait=10"], change);
  return true;
}

function rulesFor({ ip, port }: OpenAddress): readonly Rule[] {
  const comment = `${mark}-${ip}-${port}`;
  return [
    { chain: "INPUT", match: `-d ${hostPrefix(ip)} -p tcp -m tcp --dport ${port}`, comment },
    { chain: "OUTPUT", match: `-s ${hostPrefix(ip)} -p tcp -m tcp --sport ${port}`, comment },
  ];
}

/** What iptables-restore is given; nothing where all is as it should be. */
function changeOf(saved: string, wanted: readonly Rule[]): string | undefined {
  const missing = new Map(wanted.map((rule) => [`${rule.chain} ${rule.comment}`, rule]));
  const stale = saved.split("\n").filter((line) => {
    const [, chain, comment] = /^-A (\S+) .*--comment "?([^" ]+)/.exec(line) ?? [];
    if (comment?.startsWith(mark) !== true) return false;
    return !missing.delete(`${chain} ${comment}`); // one that is there twice goes once
  });
  if (missing.size === 0 && stale.length === 0) return undefined;
  return [
    "*filter",
    ...stale.map((line) => line.replace(/^-A/, "-D")),
    ...[...missing.values()].map(({ chain, match, comment }) =>
      `-I ${chain} 1 ${match} -m comment --comment ${comment} -j ACCEPT`
    ),
    "COMMIT",
    "",
  ].join("\n");
}

function ignoreProgramError(error: unknown): undefined {
  if (!(error instanceof ProgramError)) throw error;
}
