/**
 * Holdfast keeps Kubernetes nodes working when the cloud is out of reach.
 *
 * @module
 */
export { createHub, type Hub, type HubOptions } from "./src/hub/hub.ts";
export type { Platform } from "./src/platform/platform.ts";
