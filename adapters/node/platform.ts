import type { Platform } from "../../src/platform/platform.ts";
import { platformOf } from "../shared/platform.ts";
import { listen } from "./listener.ts";
import { createUpstream } from "./upstream.ts";

/** The ports on this runtime. Call it once: it listens for the process's signals. */
export function createPlatform(): Platform {
  return platformOf({ runtime: "node", listen, createUpstream });
}
