import { cacheGetCommand } from "./cache_get_command.ts";
import { cacheLsCommand } from "./cache_ls_command.ts";
import { cacheRekeyCommand } from "./cache_rekey_command.ts";
import { cacheRmCommand } from "./cache_rm_command.ts";
import { cacheVerifyCommand } from "./cache_verify_command.ts";
import type { Command } from "./command.ts";
import { controllerCommand } from "./controller_command.ts";
import { demoCommand } from "./demo_command.ts";
import { doctorCommand } from "./doctor_command.ts";
import { hubCommand } from "./hub_command.ts";
import { statusCommand } from "./status_command.ts";
import { versionCommand } from "./version_command.ts";

/** All commands of `holdfast`, in the order of its help. */
export const commands: readonly Command[] = [
  hubCommand,
  statusCommand,
  doctorCommand,
  cacheLsCommand,
  cacheGetCommand,
  cacheRmCommand,
  cacheVerifyCommand,
  cacheRekeyCommand,
  controllerCommand,
  demoCommand,
  versionCommand,
];
