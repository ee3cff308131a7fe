import type { Command } from "./command.ts";
import { demoCommand } from "./demo_command.ts";
import { hubCommand } from "./hub_command.ts";
import { versionCommand } from "./version_command.ts";

/** All commands of `holdfast`, in the order of its help. */
export const commands: readonly Command[] = [hubCommand, demoCommand, versionCommand];
