const SHORT: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
};

/** One character, as it is or escaped. */
const CHARACTER = /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|[abfnrtv\\'"])|[^\\]/gu;

/**
 * The text between two quotes, single ones too, with Go's escapes.
 *
 * @param quoted with its quotes
 * @returns nothing where it is malformed
 */
export function goUnquote(quoted: string): string | undefined {
  const [quote = ""] = quoted;
  if (quoted.length < 2 || !quoted.endsWith(quote)) return undefined;
  const inner = quoted.slice(1, -1);
  const characters = inner.match(CHARACTER) ?? [];
  if (characters.join("") !== inner) return undefined; // a backslash that begins nothing
  const texts = characters.map((character) => unescaped(character, quote));
  return texts.includes(undefined) ? undefined : texts.join("");
}

function unescaped(character: string, quote: string): string | undefined {
  if (!character.startsWith("\\")) return character === quote ? undefined : character;
  const escape = character.slice(1);
  if (escape === "'" || escape === '"') return escape === quote ? quote : undefined;
  const short = SHORT[escape];
  if (short !== undefined) return short;
  const isOctal = /^[0-7]/.test(escape);
  const code = isOctal ? Number.parseInt(escape, 8) : Number.parseInt(escape.slice(1), 16);
  const isSurrogate = code >= 0xd800 && code < 0xe000;
  return isSurrogate || code > (isOctal ? 0xff : 0x10ffff) ? undefined : String.fromCodePoint(code);
}
