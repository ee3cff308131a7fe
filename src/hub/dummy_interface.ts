import { z } from "zod";
import { ProgramError, type RunProgram } from "./system_program.ts";

/** A network interface of this machine that leads nowhere: pods reach the hub by its address, whatever network they are in. */
export interface DummyInterface {
  readonly name: string;
  /** In the form in which the system writes it. */
  readonly ip: string;
}

const linksSchema = z.array(z.object({
  ifname: z.string().optional(),
  flags: z.array(z.string()).default([]),
  linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
  addr_info: z.array(z.object({
    family: z.string().optional(),
    local: z.string().optional(),
    prefixlen: z.number().optional(),
    scope: z.string().optional(),
  })).default([]),
}));
type Link = z.infer<typeof linksSchema>[number];

/**
 * Makes it what it should be, where it is not: there, up, with this address and no other. `ip` is iproute2's.
 *
 * @returns whether anything was changed
 * @throws ProgramError where that cannot be done, or another kind of interface has its name
 */
export async function ensureDummyInterface(run: RunProgram, { name, ip }: DummyInterface): Promise<boolean> {
  const found = await findLink(run, name);
  if (found === undefined) await run("ip", ["link", "add", name, "type", "dummy"]);
  else if (found.linkinfo?.info_kind !== "dummy") {
    throw new ProgramError(`There is an interface ${name} already, and it is no dummy interface`);
  }
  const addresses = found?.addr_info.filter(isGiven) ?? [];
  const other = addresses.filter(({ local }) => local !== ip);
  for (const { local, prefixlen } of other) {
    await run("ip", ["address", "delete", `${local}/${prefixlen}`, "dev", name]);
  }
  const isThere = addresses.length > other.length;
  // Nobody else can have it: nothing is waited for (RFC 4862, section 5.4).
  const isV6 = ip.includes(":");
  if (!isThere) await run("ip", ["address", "replace", hostPrefix(ip), "dev", name, ...(isV6 ? ["nodad"] : [])]);
  const isUp = found?.flags.includes("UP") === true;
  if (!isUp) await run("ip", ["link", "set", name, "up"]);
  return !isThere || !isUp || other.length > 0;
}

/** Takes it away, where it is there. @throws ProgramError */
export async function removeDummyInterface(run: RunProgram, { name }: DummyInterface): Promise<void> {
  const found = await findLink(run, name);
  if (found?.linkinfo?.info_kind === "dummy") await run("ip", ["link", "delete", name]);
}

/** An address alone, as a network. */
export function hostPrefix(ip: string): string {
  return `${ip}/${ip.includes(":") ? 128 : 32}`;
}

async function findLink(run: RunProgram, name: string): Promise<Link | undefined> {
  let text: string;
  try {
    text = await run("ip", ["-json", "-details", "address", "show", "dev", name]);
  } catch (error) {
    if (error instanceof ProgramError && error.message.includes("does not exist")) return undefined;
    throw error;
  }
  return parseLinks(text).find(({ ifname }) => ifname === name);
}

function parseLinks(text: string): readonly Link[] {
  try {
    return linksSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ProgramError("ip -json has printed something else than interfaces; iproute2's is needed", { cause });
  }
}

/** Each interface that is up gives itself one of `fe80::/10`. */
function isGiven({ family, scope }: Link["addr_info"][number]): boolean {
  return family !== "inet6" || scope !== "link";
}
