/**
 * Holdfast keeps Kubernetes nodes working when the cloud is out of reach.
 *
 * @module
 */
export { createHub, type Hub, type HubOptions } from "./src/hub/hub.ts";
export type { DebugOptions } from "./src/hub/debug_app.ts";
export type { CertificateStatus, HubCertificates } from "./src/hub/hub_certificates.ts";
export type { HealthOptions, HubLinkOptions, WorkingMode } from "./src/hub/hub_link.ts";
export {
  type DiscoveredResources,
  HubState,
  type HubStateOptions,
  type KnownBackend,
  openHubState,
} from "./src/hub/hub_state.ts";

export type { Check } from "./src/hub/readiness_check.ts";
export type { FiltersOptions, HubAddressSource } from "./src/hub/filters_options.ts";
export type { HubAddress } from "./src/filter/hub_address.ts";

/** Filters: what becomes of objects on their way to some of the node's components. */
export {
  defineFilter,
  type Filter,
  type FilterDefinition,
  type FilteredResource,
  type FilterMeta,
  type FilterObject,
  type Lookup,
  type Lookups,
  type LookupSource,
} from "./src/filter/filter.ts";

/** Who calls. */
export type { Caller } from "./src/identity/caller.ts";
export type { Scope } from "./src/identity/scope.ts";
export type { NamedObject, ServiceAccountToken } from "./src/identity/service_account_token.ts";

/** With what service account tokens are verified. */
export type { PublicKey, TokenKeys } from "./src/identity/token_keys.ts";

/** The API servers that a hub asks, and the cluster that they must belong to. */
export type { BackendOptions } from "./src/cloud/backend.ts";
export type { LbMode } from "./src/cloud/balancer.ts";
export { type ClusterIdentity, KnownCluster, type KnownClusterOptions } from "./src/cloud/cluster_identity.ts";
export type { HealthTimes } from "./src/cloud/health_check.ts";

/** The ports: what the core asks of a runtime. */
export type { ByteSource, Duplex, RawHeaders, Sink } from "./src/platform/bytes.ts";
export { type Cipher, CipherError, type CreateCipher } from "./src/platform/cipher.ts";
export type { IsIssuedBy } from "./src/platform/certificates.ts";
export type { Clock, Timer } from "./src/platform/clock.ts";
export { CommandError, type CommandResult, type Commands, type RunOptions } from "./src/platform/commands.ts";
export type { Dial, DialOptions, Join } from "./src/platform/dialer.ts";
export type { Disk, FileStat } from "./src/platform/disk.ts";
export type { Exchange, ExchangeBindings, Peer, PeerCertificate } from "./src/platform/exchange.ts";
export { FileError, type FileSystem } from "./src/platform/files.ts";
export type {
  ExchangeHandler,
  Listen,
  Listener,
  ListenerCounts,
  ListenOptions,
  ServerTls,
} from "./src/platform/listener.ts";
export { type LocalListener, LocalSocketError, type LocalSockets } from "./src/platform/local_sockets.ts";
export type { Logger, LoggerOptions, LogLevel } from "./src/platform/logger.ts";
export type { Counter, Metrics, MetricValue } from "./src/platform/metrics.ts";
export type { Platform, ProcessPort } from "./src/platform/platform.ts";
export type { Random } from "./src/platform/random.ts";
export { type Resolve, ResolveError, type ResolveFailure, type ResolveOptions } from "./src/platform/resolve.ts";
export type { OpenStateFile, StateFile } from "./src/platform/state_file.ts";
export {
  type OpenStore,
  type OpenStoreOptions,
  type Store,
  type StoreBatch,
  StoreError,
  type StoreFailure,
} from "./src/platform/store.ts";
export {
  type ClientCredentials,
  type CreateUpstream,
  type UpgradeResponse,
  type Upstream,
  UpstreamError,
  type UpstreamFailure,
  type UpstreamOptions,
  type UpstreamRequest,
  type UpstreamResponse,
} from "./src/platform/upstream.ts";

/** The command line as data: what the adapters make the `holdfast` command of. */
export type { Argument, Command as CliCommand, CommandContext } from "./src/cli/command.ts";
export { commands } from "./src/cli/commands.ts";
export type { RawFlags } from "./src/cli/config_file.ts";
export type { DurationUnit, Flag, FlagType } from "./src/cli/flag.ts";
export type { FlagSource, FlagValues } from "./src/cli/flag_values.ts";
export { type CommandHelp, commandHelp, groupHelp, programHelp } from "./src/cli/help.ts";
export {
  errorText,
  runCommand,
  type RunCommandOptions,
  unknownCommandText,
  usageExitCode,
} from "./src/cli/run_command.ts";
export { versionText } from "./src/cli/version_command.ts";
