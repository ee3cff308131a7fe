import type { Platform } from "../../src/platform/platform.ts";
import { isIssuedBy } from "./certificates.ts";
import { createCipher } from "./cipher.ts";
import { clock } from "./clock.ts";
import { commands } from "./commands.ts";
import { dial } from "./dialer.ts";
import { disk } from "./disk.ts";
import { files } from "./files.ts";
import { join } from "./join.ts";
import { localSockets } from "./local_sockets.ts";
import { createLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { createProcess } from "./process.ts";
import { random } from "./random.ts";
import { resolve } from "./resolve.ts";
import { openStateFile } from "./state_file.ts";
import { openStore } from "./store.ts";

/** All ports of a runtime: its own and those that all three share. Call it once: it listens for the process's signals. */
export function platformOf(own: Pick<Platform, "runtime" | "listen" | "createUpstream">): Platform {
  return {
    ...own,
    dial,
    resolve,
    localSockets,
    join,
    clock,
    random,
    files,
    disk,
    openStore,
    openStateFile,
    createCipher,
    isIssuedBy,
    commands,
    createLogger,
    createMetrics,
    process: createProcess(),
  };
}
