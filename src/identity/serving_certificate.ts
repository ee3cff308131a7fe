import { z } from "zod";
import type { IsIssuedBy } from "../platform/certificates.ts";
import type { ServerTls } from "../platform/listener.ts";
import { type CertificateTemplate, servingTemplate } from "./certificate_template.ts";
import { IdentityError } from "./identity_error.ts";
import { type JsonApi, messageOf } from "./json_api.ts";
import { KeptCertificate, type KeptCertificateOptions } from "./kept_certificate.ts";
import { ServingTrust } from "./serving_trust.ts";

/** The certificate of the HTTPS port, as a listener takes it. */
export interface ServingCertificate {
  /** Missing until the cluster has signed one; one that has expired is given on. */
  current(): Pick<ServerTls, "cert" | "key"> | undefined;
  /** Called after each new one, and after each change of whether pods believe it. */
  onChange(listener: () => void): void;
  /** Why there is none, or only an expired one; nothing where there is one. */
  failure(): string | undefined;
  /** Why pods do not believe it, as far as it is known; nothing where they do. */
  distrusted(): string | undefined;
  /** Milliseconds since 1970. */
  expiresAt(): number | undefined;
  /** From now on it is asked for and renewed by itself. */
  start(): void;
  close(): Promise<void>;
}

export interface ServingCertificateOptions
  extends Pick<KeptCertificateOptions, "files" | "clock" | "random" | "logger"> {
  readonly isIssuedBy: IsIssuedBy;
  readonly rootDir: string;
  readonly nodeName: string;
  /** Found from the Node where it is empty. */
  readonly nodeIp: string;
  /** Of the dummy interface. */
  readonly dummyIp: string;
  /** Asked as the node. */
  readonly api: JsonApi;
}

const serviceSchema = z.object({
  spec: z.object({ clusterIP: z.string().optional(), clusterIPs: z.array(z.string()).optional() }),
});
const nodeSchema = z.object({
  status: z.object({ addresses: z.array(z.object({ type: z.string(), address: z.string() })).optional() }).optional(),
});

/** Takes the one that is kept. @throws FileError */
export async function openServingCertificate(options: ServingCertificateOptions): Promise<ServingCertificate> {
  const { rootDir, api } = options;
  const kept = new KeptCertificate({
    ...options,
    path: `${rootDir}/pki/hub-server`,
    template: (signal) => wantedCertificate(options, signal),
    api: () => api,
  });
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of [...listeners]) listener();
  };
  kept.onChange(changed);
  const trust = new ServingTrust({
    ...{ ...options, changed },
    path: `${rootDir}/pki/kube-root-ca.crt`,
    certificate: () => kept.current?.cert,
  });
  await Promise.all([kept.load(), trust.load()]);
  return {
    current: () => kept.current,
    onChange: (listener) => void listeners.add(listener),
    failure: () => kept.failure,
    distrusted: () => trust.problem,
    expiresAt: () => kept.current?.notAfter,
    start: () => {
      kept.start();
      trust.start();
    },
    close: async () => {
      await Promise.all([kept.close(), trust.close()]);
    },
  };
}

async function wantedCertificate(
  { api, nodeName, nodeIp, dummyIp }: ServingCertificateOptions,
  signal: AbortSignal,
): Promise<CertificateTemplate> {
  const service = await read(api, {
    path: "/api/v1/namespaces/default/services/kubernetes",
    schema: serviceSchema,
    signal,
  });
  const { clusterIP, clusterIPs = clusterIP === undefined ? [] : [clusterIP] } = service.spec;
  const own = nodeIp === "" ? await nodeIps(api, { nodeName, signal }) : [nodeIp];
  return servingTemplate({ nodeName, ips: [...clusterIPs.filter((ip) => ip !== "None"), dummyIp, ...own] });
}

/** Its approver compares with the Node: what is not there yet is not asked for. */
async function nodeIps(
  api: JsonApi,
  { nodeName, signal }: { readonly nodeName: string; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const node = await read(api, { path: `/api/v1/nodes/${encodeURIComponent(nodeName)}`, schema: nodeSchema, signal });
  return (node.status?.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => address);
}

interface Reading<T> {
  readonly path: string;
  readonly schema: z.ZodType<T>;
  readonly signal: AbortSignal;
}

async function read<T>(api: JsonApi, { path, schema, signal }: Reading<T>): Promise<T> {
  const answer = await api({ method: "GET", path, signal });
  const parsed = schema.safeParse(answer.object);
  if (answer.status === 200 && parsed.success) return parsed.data;
  throw new IdentityError(`Cannot tell what the serving certificate is for: ${path} answered ${messageOf(answer)}`, {
    retryable: true,
  });
}
