import type { Page } from "playwright-core";

/**
 * Texts of a page whose contrast with what lies behind them is below 4.5 (WCAG 2.2, 1.4.3), as `2.1 text`. Backgrounds are
 * those of the nearest element that has an opaque one.
 */
export function lowContrasts(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(script);
}

/** Runs in the page. */
const script = `(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => {
    const [red, green, blue] = channels(color).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const groundOf = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if ((channels(color)[3] ?? 1) === 1) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode() !== null) {
    const text = texts.currentNode.nodeValue.trim();
    const element = texts.currentNode.parentElement;
    if (text === "" || element.closest("script, style, noscript, svg, [hidden]") !== null) continue;
    const lights = [getComputedStyle(element).color, groundOf(element)].map(luminance).sort((a, b) => b - a);
    const contrast = (lights[0] + 0.05) / (lights[1] + 0.05);
    if (contrast < 4.5) found.add(contrast.toFixed(1) + " " + text);
  }
  return [...found];
})()`;
