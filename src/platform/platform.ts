import type { IsIssuedBy } from "./certificates.ts";
import type { CreateCipher } from "./cipher.ts";
import type { Clock } from "./clock.ts";
import type { Commands } from "./commands.ts";
import type { Dial, Join } from "./dialer.ts";
import type { Disk } from "./disk.ts";
import type { FileSystem } from "./files.ts";
import type { Listen } from "./listener.ts";
import type { LocalSockets } from "./local_sockets.ts";
import type { Logger, LoggerOptions } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import type { Random } from "./random.ts";
import type { Resolve } from "./resolve.ts";
import type { OpenStateFile } from "./state_file.ts";
import type { OpenStore } from "./store.ts";
import type { CreateUpstream } from "./upstream.ts";

/** All that the core asks of a runtime. Each of adapters/{node,bun,deno} makes one. */
export interface Platform {
  readonly runtime: "node" | "bun" | "deno";
  readonly listen: Listen;
  readonly createUpstream: CreateUpstream;
  readonly dial: Dial;
  readonly resolve: Resolve;
  readonly localSockets: LocalSockets;
  readonly join: Join;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: FileSystem;
  readonly disk: Disk;
  readonly openStore: OpenStore;
  readonly openStateFile: OpenStateFile;
  readonly createCipher: CreateCipher;
  readonly isIssuedBy: IsIssuedBy;
  readonly commands: Commands;
  createLogger(options: LoggerOptions): Logger;
  createMetrics(): Metrics;
  readonly process: ProcessPort;
}

/** The process itself. */
export interface ProcessPort {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Operating system and processor, in Go's words: `linux/amd64`. */
  readonly system: string;
  /** Effective user id; missing where the platform has none. */
  readonly uid: number | undefined;
  readonly stdout: {
    /** Past 4 MiB that a slow reader leaves waiting, text is dropped: who writes more waits for `drained`. */
    write(text: string): void;
    /** Resolves once the reader has all that was written, or has gone away. */
    drained(): Promise<void>;
    readonly isTerminal: boolean;
  };
  readonly stderr: { write(text: string): void };
  /** Single key presses, where standard input is a terminal; else nothing ever comes. */
  keys(signal: AbortSignal): AsyncIterable<string>;
  /** Aborted at SIGINT or SIGTERM; a second one ends the process at once. */
  readonly stop: AbortSignal;
  /** Calls back at each SIGHUP, which from now on does not end the process. */
  onHangup(listener: () => void): void;
}
