/** The four or sixteen bytes of an IP address. @throws RangeError where it is none */
export function ipBytes(address: string): Uint8Array {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    const bytes = address.split(".").map(Number);
    if (bytes.every((byte) => byte < 256)) return Uint8Array.from(bytes);
  } else if (address.includes(":") && URL.canParse(`http://[${address}]`)) {
    return ipv6Bytes(new URL(`http://[${address}]`).hostname.slice(1, -1));
  }
  throw new RangeError(`Cannot read "${address}": it is no IP address`);
}

/** @param canonical as the URL standard writes it: no dotted end, at most one `::` */
function ipv6Bytes(canonical: string): Uint8Array {
  const [front = [], back = []] = canonical.split("::").map((side) => side.split(":").filter((part) => part !== ""));
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => "0");
  const groups = [...front, ...zeros, ...back].map((group) => Number.parseInt(group, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}
