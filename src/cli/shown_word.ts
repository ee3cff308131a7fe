import type { Flag } from "./flag.ts";

/** A word that belongs to no flag, for an error: empty where it may be a secret that has missed its flag. */
export function shownWord(word: string, flags: readonly Flag[]): string {
  return flags.some(({ secret }) => secret) ? "" : ` "${word}"`;
}

/** The name of a flag that there is not, for an error: without a secret that was written against its flag's name. */
export function shownName(name: string, flags: readonly Flag[]): string {
  const secrets = flags.filter(({ secret }) => secret);
  const meant = secrets.find((flag) => name.replace(/^-+/, "").startsWith(flag.name));
  if (meant !== undefined) return `${name.slice(0, name.indexOf(meant.name))}${meant.name}…`;
  return secrets.length > 0 && name.includes(".") ? `${name.slice(0, name.search(/[^-]/))}…` : name;
}
