import { outputFlag, statusServerFlags } from "./cache_flags.ts";
import { createCacheOutput } from "./cache_output.ts";
import type { Command, CommandContext } from "./command.ts";
import { commonFlags } from "./common_flags.ts";
import { formatJson, parseExact } from "./exact_json.ts";
import { hubFlags } from "./hub_flags.ts";
import { readStatusAnswer, type ShownStatus } from "./status_answer.ts";
import { askStatusServer, NoHubError, type StatusServerAnswer } from "./status_server.ts";
import { statusText } from "./status_text.ts";

const answerMs = 10_000;
/** The hub answers, and the link is cut or it is not ready. */
const notWellExitCode = 3;

/** `holdfast status`. */
export const statusCommand: Command = {
  name: "status",
  summary: "Shows how the running hub of this node is: link, API servers, collections, clients, outbox, certificates",
  flags: [
    outputFlag(["text", "json"]),
    ...statusServerFlags,
    ...commonFlags.filter(({ name }) => name === "config"),
  ],
  fileFlags: hubFlags,
  exitCodes: [
    [0, "the link is online and the hub is ready"],
    [1, "no hub answers"],
    [2, "wrong flags, environment or configuration file"],
    [notWellExitCode, "the hub answers, but the link is cut or not checked yet, or the hub is not ready"],
  ],
  run: showStatus,
};

async function showStatus(context: CommandContext): Promise<number> {
  const { platform, values } = context;
  const { server, status: code, body } = await ask(context);
  const text = new TextDecoder().decode(body);
  const status = code === 200 ? readStatusAnswer(text) : undefined;
  if (status === undefined) {
    throw new Error(`What listens on ${server} is no hub of this version (--bind-address, --serve-port)`);
  }
  const output = createCacheOutput(platform.process);
  const shown = values.string("output") === "json"
    ? `${formatJson(parseExact(text, "json"))}\n`
    : statusText(status, platform.clock.now());
  await output.write(shown);
  await output.end();
  return isWell(status) ? 0 : notWellExitCode;
}

async function ask(context: CommandContext): Promise<StatusServerAnswer> {
  try {
    return await askStatusServer(context, { method: "GET", rawPath: "/v1/status", timeoutMs: answerMs });
  } catch (error) {
    if (!(error instanceof NoHubError)) throw error;
    throw new Error(`No hub answers on ${error.server}: ${error.message}`, { cause: error });
  }
}

function isWell({ link, ready }: ShownStatus): boolean {
  return link.state === "online" && ready;
}
