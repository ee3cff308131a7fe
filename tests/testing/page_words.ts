/** What a reader sees of a page, in one line; where a tag stands there is a space. */
export function pageWords(page: string): string {
  return page.replace(/<(style|script|title)>[^]*?<\/\1>/g, " ").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
}
