import type { HubAddressSource } from "../hub/filters_options.ts";
import type { NodeNetwork } from "../hub/node_network.ts";
import type { ExchangeHandler, ListenerCounts } from "../platform/listener.ts";
import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import type { ServingCertificate } from "../identity/serving_certificate.ts";
import type { FlagValues } from "./flag_values.ts";
import { maxConnections } from "./hub_listeners.ts";
import { dummyInterfaceOf } from "./network_flags.ts";
import { openNodeNetwork } from "./node_network.ts";
import { SecureListener } from "./secure_listener.ts";

export interface SecurePortsOptions {
  readonly platform: Platform;
  readonly values: FlagValues;
  readonly logger: Logger;
  readonly serving: ServingCertificate;
  /** Whose client certificates count, PEM; missing where none can be told from another. */
  readonly clientCa: () => string | undefined;
}

/** The TLS proxy: on loopback, and where pods of other networks reach it, on the dummy interface. */
export class SecurePorts {
  readonly network: NodeNetwork | undefined;
  readonly #listeners: readonly SecureListener[];
  readonly #serving: ServingCertificate;
  readonly #host: string;

  private constructor(options: {
    readonly listeners: readonly SecureListener[];
    readonly network: NodeNetwork | undefined;
    readonly serving: ServingCertificate;
    readonly host: string;
  }) {
    this.#listeners = options.listeners;
    this.network = options.network;
    this.#serving = options.serving;
    this.#host = options.host;
  }

  /** Sets the node's network; nothing listens yet. @throws UsageError where that cannot be had and was asked for */
  static async open({ platform, values, logger, serving, clientCa }: SecurePortsOptions): Promise<SecurePorts> {
    const { listen, clock, random } = platform;
    const port = values.integer("proxy-secure-port");
    const on = (hostname: string, addressFlag: string) =>
      new SecureListener({
        ...{ listen, clock, random, logger, hostname, addressFlag, port, clientCa },
        maxConnections: maxConnections(values),
        certificate: serving,
      });
    const loopback = values.string("bind-proxy-address");
    const { ip } = dummyInterfaceOf(values);
    const onDummy = on(ip, "dummy-if-ip");
    const portThere = () => onDummy.port ?? port;
    const network = await openNodeNetwork({ platform, values, logger, port: portThere });
    network?.onChange(() => onDummy.refresh());
    const listeners = [on(loopback, "bind-proxy-address"), ...(network === undefined ? [] : [onDummy])];
    return new SecurePorts({ listeners, network, serving, host: network === undefined ? loopback : ip });
  }

  /** Why one is not open; nothing where all are. */
  get problem(): string | undefined {
    return this.#listeners.map(({ problem }) => problem).find((problem) => problem !== undefined);
  }

  /** Of all of them together. */
  get counts(): ListenerCounts {
    const sum = (of: keyof ListenerCounts) => this.#listeners.reduce((total, { counts }) => total + counts[of], 0);
    return { open: sum("open"), refused: sum("refused"), slow: sum("slow") };
  }

  /** Where pods reach it, as long as they can and believe it. */
  get address(): HubAddressSource {
    const last = this.#listeners.at(-1);
    const why = () => this.network?.dummyProblem ?? last?.problem ?? this.#serving.distrusted();
    const host = this.#host;
    return {
      get current() {
        return last?.port === undefined || why() !== undefined ? undefined : { host, port: last.port };
      },
      get why() {
        return why() ?? "";
      },
      onChange: (changed) => {
        this.network?.onChange(changed);
        last?.onChange(changed);
        this.#serving.onChange(changed);
      },
    };
  }

  /** Resolves after the first try. */
  async start(handle: ExchangeHandler): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.start(handle)));
    this.network?.start();
  }

  /** Takes the certificate and the client CA as they are now. */
  refresh(): void {
    for (const listener of this.#listeners) listener.refresh();
  }

  /** The network stays. */
  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close(graceMs)));
  }
}
