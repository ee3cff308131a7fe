import type { Platform } from "../../src/platform/platform.ts";
import { runtime } from "./child_program.ts";

/** The ports on the runtime that runs the tests. */
export async function currentPlatform(): Promise<Platform> {
  // Checked by the compiler where each adapter declares it: all three have the same shape.
  const adapter = await import(`../../adapters/${runtime}/platform.ts`) as { createPlatform(): Platform };
  return adapter.createPlatform();
}
