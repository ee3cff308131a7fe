import type { Platform } from "../../src/platform/platform.ts";
import { createCipher } from "../shared/cipher.ts";
import { clock } from "../shared/clock.ts";
import { commands } from "../shared/commands.ts";
import { dial } from "../shared/dialer.ts";
import { files } from "../shared/files.ts";
import { join } from "../shared/join.ts";
import { createLogger } from "../shared/logger.ts";
import { createMetrics } from "../shared/metrics.ts";
import { createProcess } from "../shared/process.ts";
import { random } from "../shared/random.ts";
import { openStore } from "../shared/store.ts";
import { listen } from "./listener.ts";
import { createUpstream } from "./upstream.ts";

/** The ports on this runtime. Call it once: it listens for the process's signals. */
export function createPlatform(): Platform {
  return {
    runtime: "deno",
    listen,
    createUpstream,
    dial,
    join,
    clock,
    random,
    files,
    openStore,
    createCipher,
    commands,
    createLogger,
    createMetrics,
    process: createProcess(),
  };
}
