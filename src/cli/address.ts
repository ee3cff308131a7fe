/**
 * Completes an address of an API server: `https://` is added where no scheme is given.
 *
 * @returns the origin, or what is wrong with it
 */
export function serverOrigin(address: string): { readonly origin: string } | { readonly problem: string } {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `https://${address}`;
  if (!URL.canParse(text)) return { problem: "must be an address such as https://10.0.0.1:6443" };
  const url = new URL(text);
  if (url.protocol !== "https:") return { problem: `must use https, not ${url.protocol.slice(0, -1)}` };
  if (url.username !== "" || url.search !== "" || url.hash !== "" || !/^\/*$/.test(url.pathname)) {
    return { problem: "must be a scheme, a host and a port only" };
  }
  return { origin: url.origin };
}

/** Whether it is an IP address, in the forms that a listener takes. */
export function isIpAddress(text: string): boolean {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return text.split(".").every((part) => Number(part) <= 255);
  return text.includes(":") && /^[0-9a-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]`);
}

/** Whether it is a loopback address: 127.0.0.0/8, ::1. */
export function isLoopbackAddress(text: string): boolean {
  if (!isIpAddress(text)) return false;
  return text.includes(":") ? new URL(`http://[${text}]`).hostname === "[::1]" : text.startsWith("127.");
}

/** `host:port`, IPv6 in brackets. */
export function hostAndPort(hostname: string, port: number): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
