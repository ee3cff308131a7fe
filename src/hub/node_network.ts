import type { Clock } from "../platform/clock.ts";
import type { Commands } from "../platform/commands.ts";
import type { Logger } from "../platform/logger.ts";
import { type DummyInterface, ensureDummyInterface, removeDummyInterface } from "./dummy_interface.ts";
import { ensureRules, findPacketFilter, type PacketFilter } from "./packet_filter.ts";
import { type Check, informationalCheck } from "./readiness_check.ts";
import { ProgramError, programRunner, type RunProgram } from "./system_program.ts";

export interface NodeNetworkOptions {
  readonly commands: Commands;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dummy: DummyInterface;
  /** Whether a firewall is told to let pods through. */
  readonly rules: boolean;
  /** The port on the interface that pods use; 0 while it is not known. */
  readonly port: () => number;
  /** Whether all of it stays when the hub stops. */
  readonly keep: boolean;
}

/** Somebody else may change it. */
const checkMs = 60_000;
/** Of taking it away, when the hub stops. */
const removalMs = 10_000;

/** The node's network as pods need it to reach the hub: looked after as long as the hub runs. */
export class NodeNetwork {
  readonly #options: NodeNetworkOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<() => void>();
  #filter: PacketFilter | undefined;
  #dummyProblem: string | undefined = "it was not made yet";
  #rulesProblem: string | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: NodeNetworkOptions) {
    this.#options = options;
  }

  /** Why the interface is not there; nothing where it is. */
  get dummyProblem(): string | undefined {
    return this.#dummyProblem;
  }

  /** Why the firewall was not told; nothing where it was, or need not be. */
  get rulesProblem(): string | undefined {
    return this.#rulesProblem;
  }

  /** Calls back after each change of the interface's problem. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Makes it what it should be. Never rejects but where the hub closes: what could not be done is in the problems. */
  async ensure(): Promise<void> {
    const { dummy, rules, logger, commands } = this.#options;
    const run = programRunner(commands, this.#closing.signal);
    const before = this.#dummyProblem;
    this.#dummyProblem = await this.#tried(this.#dummyProblem, async () => {
      if (await ensureDummyInterface(run, dummy)) logger.log("info", "The dummy interface is set", { ...dummy });
    });
    if (rules) this.#rulesProblem = await this.#tried(this.#rulesProblem, () => this.#ensureRules(run));
    if (this.#dummyProblem !== before) { for (const listener of [...this.#listeners]) listener(); }
  }

  /** From now on it is looked at every minute. */
  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#closing.signal.aborted) throw error;
    });
  }

  /** Lines of `/readyz?verbose`. */
  checks(): readonly Check[] {
    const lines = [["dummy-interface", this.#dummyProblem], ["iptables", this.#rulesProblem]] as const;
    return lines.filter(([name]) => name !== "iptables" || this.#options.rules).map(([name, problem]) =>
      informationalCheck(name, problem === undefined ? undefined : `cannot be set: ${problem}`)
    );
  }

  /** Ends looking after it: all of it stays as it is. */
  async rest(): Promise<void> {
    this.#closing.abort(new Error("The hub closes"));
    await this.#running;
  }

  /** Ends looking after it, and takes it away unless it is kept. */
  async close(): Promise<void> {
    await this.rest();
    const { keep, dummy, commands, clock, logger } = this.#options;
    if (keep) return;
    const late = new AbortController();
    const timer = clock.setTimer(removalMs, () => late.abort(new ProgramError("it took too long")));
    const run = programRunner(commands, late.signal);
    const back = async (work: () => Promise<unknown>) => {
      try {
        await work();
      } catch (error) {
        if (!(error instanceof ProgramError)) throw error;
        logger.log("warn", "The node's network could not be taken back", { error: error.message });
      }
    };
    const filter = this.#filter;
    if (filter !== undefined && this.#rulesProblem === undefined) await back(() => ensureRules(run, filter));
    if (this.#dummyProblem === undefined) await back(() => removeDummyInterface(run, dummy));
    timer.cancel();
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#options.clock.sleep(checkMs, this.#closing.signal);
      await this.ensure();
    }
  }

  async #ensureRules(run: RunProgram): Promise<void> {
    const { dummy: { ip }, logger } = this.#options;
    const open = { ip, port: this.#options.port() };
    if (open.port === 0) return;
    const before = this.#filter;
    if (before?.isSure !== true) {
      const found = await findPacketFilter(run, ip);
      if (before !== undefined && before.prefix !== found.prefix) await ensureRules(run, before);
      this.#filter = found;
    }
    const filter = this.#filter;
    if (filter === undefined) return;
    if (await ensureRules(run, filter, open)) {
      logger.log("info", "The firewall lets pods through to the hub", { ...open, iptables: filter.prefix });
    }
  }

  /** @returns what is wrong, told once */
  async #tried(before: string | undefined, work: () => Promise<void>): Promise<string | undefined> {
    try {
      await work();
      return undefined;
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      if (error.message !== before) {
        this.#options.logger.log("warn", "The node's network is not what pods need", { reason: error.message });
      }
      return error.message;
    }
  }
}
