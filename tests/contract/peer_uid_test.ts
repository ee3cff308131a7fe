import assert from "node:assert/strict";
import { test } from "node:test";
import { findUid } from "../../adapters/shared/peer_uid.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const row = (ends: string, state: string, uid: number) =>
  `   0: ${ends} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 1 1\n`;
const V4 = { remoteAddress: "127.0.0.1", remotePort: 0x1f90, localAddress: "127.0.0.1", localPort: 0x2815 };
const V6 = { remoteAddress: "::1", remotePort: 0x1f90, localAddress: "::1", localPort: 0x2815 };
const LOOPBACK_V6 = "00000000000000000000000001000000";
const MAPPED = "0000000000000000FFFF00000100007F";

for (
  const [what, table, addresses, uid] of [
    ["an IPv4 connection", row("0100007F:1F90 0100007F:2815", "01", 1001), V4, 1001],
    ["an IPv6 connection", row(`${LOOPBACK_V6}:1F90 ${LOOPBACK_V6}:2815`, "01", 7), V6, 7],
    ["an IPv4 connection in the table of IPv6", row(`${MAPPED}:1F90 ${MAPPED}:2815`, "01", 8), V4, 8],
    ["a mapped address", row("0100007F:1F90 0100007F:2815", "01", 9), { ...V4, localAddress: "::ffff:127.0.0.1" }, 9],
    ["not our own end", row("0100007F:2815 0100007F:1F90", "01", 1001), V4, undefined],
    ["not a connection that is over, whose row says 0", row("0100007F:1F90 0100007F:2815", "06", 0), V4, undefined],
    ["not another port", row("0100007F:1F91 0100007F:2815", "01", 1001), V4, undefined],
  ] as const
) {
  test(`findUid finds ${what}`, () => {
    assert.equal(findUid(HEAD + row("00000000:1F90 00000000:0000", "0A", 5) + table, addresses), uid);
  });
}
