import { CommandError } from "../../src/platform/commands.ts";
import { type FakeCommands, fakeCommands, type ProgramAnswer } from "./fake_commands.ts";

interface FakeLink {
  kind: string;
  up: boolean;
  readonly addresses: Set<string>;
}

/** A machine with interfaces and with tables of rules, which `ip` and iptables change. */
export interface FakeNode {
  readonly commands: FakeCommands;
  readonly links: Map<string, FakeLink>;
  /** Lines of the table `filter`, `-A …`, by variant: `iptables-nft`. What is not there is not installed. */
  readonly rules: Map<string, string[]>;
  /** Variants in which kubelet has left its hint. */
  readonly hinted: Set<string>;
  /** What `ip` refuses with, where it does. */
  refusal: string | undefined;
}

/** Makes a machine with both variants of iptables, and no rule. */
export function createFakeNode(): FakeNode {
  const node: FakeNode = {
    commands: fakeCommands((line, stdin) => answer(node, line, stdin)),
    links: new Map(),
    rules: new Map([["iptables-nft", []], ["iptables-legacy", []]]),
    hinted: new Set(),
    refusal: undefined,
  };
  return node;
}

function answer(node: FakeNode, line: string, stdin: string): ProgramAnswer {
  if (line.startsWith("ip ")) return node.refusal === undefined ? ip(node, line) : { error: node.refusal };
  const [, variant = "", action = "", rest = ""] = /^(\S+)-(save|restore) (.*)$/.exec(line) ?? [];
  const rules = node.rules.get(variant);
  if (rules === undefined) return new CommandError("missing", `Cannot run ${line.split(" ")[0]}: ENOENT`);
  if (action === "restore") return restore(rules, stdin);
  const hint = node.hinted.has(variant) && rest === "-t mangle" ? [":KUBE-IPTABLES-HINT - [0:0]"] : [];
  return ["*filter", ...hint, ...(rest === "-t filter" ? rules : []), "COMMIT", ""].join("\n");
}

function ip({ links }: FakeNode, line: string): ProgramAnswer {
  const words = line.split(" ");
  const name = words[words.indexOf("dev") + 1] ?? "";
  const given = words[3] ?? "";
  if (line.startsWith("ip link add")) links.set(given, { kind: words[5] ?? "", up: false, addresses: new Set() });
  else if (line.startsWith("ip link delete")) links.delete(given);
  else if (line.startsWith("ip link set")) setUp(links.get(given));
  else if (line.startsWith("ip address replace")) links.get(name)?.addresses.add(given);
  else if (line.startsWith("ip address delete")) links.get(name)?.addresses.delete(given);
  else if (links.has(name)) return shown(name, links.get(name));
  else return { error: `Device "${name}" does not exist.` };
  return "";
}

function setUp(link: FakeLink | undefined): void {
  if (link !== undefined) link.up = true;
}

function shown(name: string, link: FakeLink | undefined): string {
  const addresses = [...link?.addresses ?? []].map((address) => {
    const [local, prefixlen] = address.split("/");
    return { family: address.includes(":") ? "inet6" : "inet", local, prefixlen: Number(prefixlen), scope: "global" };
  });
  const ownV6 = { family: "inet6", local: "fe80::1", prefixlen: 64, scope: "link" };
  return JSON.stringify([{
    ifname: name,
    flags: ["BROADCAST", "NOARP", ...(link?.up === true ? ["UP"] : [])],
    linkinfo: { info_kind: link?.kind },
    addr_info: [...addresses, ...(link?.up === true ? [ownV6] : [])],
  }]);
}

/** As iptables-restore does with `--noflush`: all of it, or nothing. */
function restore(rules: string[], input: string): ProgramAnswer {
  const after = [...rules];
  for (const line of input.split("\n")) {
    const [, command, chain, rest = ""] = /^-([DI]) (\S+) (?:1 )?(.*)$/.exec(line) ?? [];
    if (command === "I") after.unshift(`-A ${chain} ${rest}`);
    if (command !== "D") continue;
    const at = after.indexOf(`-A ${chain} ${rest}`);
    if (at < 0) return { error: "iptables-restore: line 2 failed" };
    after.splice(at, 1);
  }
  rules.splice(0, rules.length, ...after);
  return "";
}
