import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import type { Platform } from "../platform/platform.ts";
import type { Logger } from "../platform/logger.ts";
import type { Outbox } from "../replica/outbox.ts";
import type { KeptTokens } from "../replica/kept_tokens.ts";
import type { OutboxPusher } from "../replica/outbox_pusher.ts";
import type { PagedLists } from "../replica/paged_lists.ts";
import type { Recorder } from "../replica/recorder.ts";
import type { Replica } from "../replica/replica.ts";

/** What all parts of one hub share. */
export interface HubContext {
  readonly platform: Platform;
  readonly nodeName: string;
  readonly cloud: Cloud;
  readonly link: Link;
  readonly replica: Replica;
  readonly pagedLists: PagedLists;
  /** Missing where none are kept. */
  readonly tokens?: KeptTokens;
  readonly recorder: Recorder;
  /** Missing where no write is taken while the cloud is out of reach. */
  readonly outbox?: Outbox;
  readonly pusher?: OutboxPusher;
  readonly logger: Logger;
  readonly cloudReadTimeoutMs: number;
  /** A watch without `timeoutSeconds` lasts one to two times this. */
  readonly minRequestTimeoutMs: number;
  /** Aborted when the hub closes: watches end. */
  readonly closed: AbortSignal;
}
