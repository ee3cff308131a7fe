import type { Listen } from "../../src/platform/listener.ts";
import { createListen } from "../shared/listener.ts";

/** The listener on this runtime. */
export const listen: Listen = createListen({});
