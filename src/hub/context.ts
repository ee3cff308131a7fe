import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import type { LinkHistory } from "../cloud/link_history.ts";
import type { Platform } from "../platform/platform.ts";
import type { Logger } from "../platform/logger.ts";
import type { Outbox } from "../replica/outbox.ts";
import type { Grants } from "../replica/grants.ts";
import type { KeptTokens } from "../replica/kept_tokens.ts";
import type { OutboxPusher } from "../replica/outbox_pusher.ts";
import type { PagedLists } from "../replica/paged_lists.ts";
import type { Recorder } from "../replica/recorder.ts";
import type { Replica } from "../replica/replica.ts";
import type { Admission } from "./admission.ts";
import type { CustomColumns } from "./custom_columns.ts";
import type { DiscoveryIndex } from "./discovery_index.ts";
import type { Filters } from "./filters.ts";
import type { WorkingMode } from "./hub_link.ts";
import type { LocalAnswers } from "./local_answers.ts";
import type { NodeLease } from "./node_lease.ts";

/** What all parts of one hub share. */
export interface HubContext {
  readonly platform: Platform;
  readonly nodeName: string;
  readonly workingMode: WorkingMode;
  /** How many requests go on at once, of whom. */
  readonly admission: Admission;
  readonly cloud: Cloud;
  readonly link: Link;
  readonly history: LinkHistory;
  readonly replica: Replica;
  readonly pagedLists: PagedLists;
  /** Missing where none are kept. */
  readonly tokens?: KeptTokens;
  /** What service accounts may read of what is held; missing where none are kept: then nothing. */
  readonly grants?: Grants;
  readonly recorder: Recorder;
  readonly answers: LocalAnswers;
  /** Missing where no write is taken while the cloud is out of reach. */
  readonly outbox?: Outbox;
  readonly pusher?: OutboxPusher;
  /** Missing where nobody but the cloud looks after it. */
  readonly lease?: NodeLease;
  /** Missing where nothing is filtered for anybody. */
  readonly filters?: Filters;
  /** How custom resources are shown as Tables. */
  readonly customColumns: CustomColumns;
  /** Missing where there is no file to keep it in. */
  readonly discovery?: DiscoveryIndex;
  readonly logger: Logger;
  readonly cloudReadTimeoutMs: number;
  /** A watch without `timeoutSeconds` lasts one to two times this. */
  readonly minRequestTimeoutMs: number;
  /** Aborted when watches are to end: the hub is about to close. */
  readonly draining: AbortSignal;
  /** Aborted when the hub closes. */
  readonly closed: AbortSignal;
}
