const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** A text as Go's `%q` writes it: what is not printable is escaped, other letters than ASCII's stay. */
export function goQuote(text: string): string {
  // Of white space, only the ASCII space is printable to Go.
  return `"${text.replace(/["\\\p{C}]|(?! )\p{Z}/gu, (character) => ESCAPES[character] ?? escapeRune(character))}"`;
}

function escapeRune(character: string): string {
  const rune = character.codePointAt(0) ?? 0;
  if (rune < 0x80) return `\\x${hexadecimal(rune, 2)}`;
  return rune < 0x10000 ? `\\u${hexadecimal(rune, 4)}` : `\\U${hexadecimal(rune, 8)}`;
}

function hexadecimal(rune: number, digits: number): string {
  return rune.toString(16).padStart(digits, "0");
}
