import type { World, WorldAnswer } from "./doctor_scene.ts";

/** What is planted, and what the doctor must say of it. */
export interface Fault {
  readonly what: string;
  readonly plant: (world: World) => Promise<void> | void;
  readonly check: string;
  readonly status: "failed" | "warning";
  readonly says: RegExp;
  readonly advises: RegExp;
}

export function text(body: string, status = 200): WorldAnswer {
  return { status, body };
}
