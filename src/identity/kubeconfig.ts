import { parse } from "yaml";
import { z } from "zod";
import type { FileSystem } from "../platform/files.ts";

/** The identity towards the cloud that a kubeconfig gives. */
export interface KubeIdentity extends NodeIdentity {
  /** `https://host:port` */
  readonly server: string;
}

/** Who the node is towards the cloud, and whom it believes. PEM texts. */
export interface NodeIdentity {
  readonly serverName?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** A bearer token, where the user has no client certificate. */
  readonly token?: string;
  /** The files it was read from: when one of them changes it must be read again. */
  readonly files: readonly string[];
}

export interface LoadKubeconfigOptions {
  readonly files: FileSystem;
  readonly path: string;
}

/** The kubeconfig cannot be used; the message names the file and the field. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

const kubeconfigSchema = z.object({
  "current-context": z.string().optional(),
  clusters: z.array(z.object({
    name: z.string(),
    cluster: z.object({
      server: z.string(),
      "tls-server-name": z.string().optional(),
      "certificate-authority": z.string().optional(),
      "certificate-authority-data": z.string().optional(),
      "insecure-skip-tls-verify": z.boolean().optional(),
    }),
  })),
  users: z.array(z.object({
    name: z.string(),
    user: z.object({
      "client-certificate": z.string().optional(),
      "client-certificate-data": z.string().optional(),
      "client-key": z.string().optional(),
      "client-key-data": z.string().optional(),
      token: z.string().optional(),
      tokenFile: z.string().optional(),
      exec: z.unknown().optional(),
      "auth-provider": z.unknown().optional(),
    }).nullable(),
  })),
  contexts: z.array(z.object({
    name: z.string(),
    context: z.object({ cluster: z.string(), user: z.string() }),
  })),
});

type Kubeconfig = z.infer<typeof kubeconfigSchema>;

/**
 * Reads a kubeconfig and the files that it names: client certificate and key, or token; CA.
 *
 * @throws KubeconfigError where it is missing, malformed or asks for what a hub cannot do (exec plugins)
 */
export async function loadKubeconfig({ files, path }: LoadKubeconfigOptions): Promise<KubeIdentity> {
  const { cluster, user } = current(path, await readKubeconfig(files, path));
  const reader = new FieldReader(files, path);
  const server = cluster.server.replace(/\/+$/, "");
  if (!/^https?:/.test(server) || !URL.canParse(server)) {
    throw new KubeconfigError(`Cannot use ${path}: server is no URL: ${server}`);
  }
  if (cluster["insecure-skip-tls-verify"]) {
    throw new KubeconfigError(
      `Cannot use ${path}: insecure-skip-tls-verify is not supported, give a certificate-authority`,
    );
  }
  if (user.exec !== undefined || user["auth-provider"] !== undefined) {
    throw new KubeconfigError(
      `Cannot use ${path}: exec and auth-provider are not supported, give a client certificate or a token`,
    );
  }
  const ca = await reader.pem(
    "certificate-authority",
    cluster["certificate-authority-data"],
    cluster["certificate-authority"],
  );
  const cert = await reader.pem("client-certificate", user["client-certificate-data"], user["client-certificate"]);
  const key = await reader.pem("client-key", user["client-key-data"], user["client-key"]);
  if ((cert === undefined) !== (key === undefined)) {
    throw new KubeconfigError(`Cannot use ${path}: client-certificate and client-key must both be given`);
  }
  const token = user.tokenFile === undefined ? user.token : (await reader.text("tokenFile", user.tokenFile)).trim();
  const serverName = cluster["tls-server-name"];
  return {
    server,
    files: [path, ...reader.read],
    ...(serverName === undefined ? {} : { serverName }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(token === undefined || token === "" ? {} : { token }),
  };
}

async function readKubeconfig(files: FileSystem, path: string): Promise<Kubeconfig> {
  const content = await files.read(path);
  if (content === undefined) throw new KubeconfigError(`Cannot read ${path}: there is no such file`);
  let document: unknown;
  try {
    document = parse(new TextDecoder().decode(content));
  } catch (cause) {
    // The parser quotes the lines around the fault, and a key may stand there.
    throw new KubeconfigError(`Cannot read ${path}: it is no YAML`, { cause: errorName(cause) });
  }
  const result = kubeconfigSchema.safeParse(document);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new KubeconfigError(`Cannot use ${path}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}`);
}

function errorName(cause: unknown): string {
  return cause instanceof Error ? cause.name : typeof cause;
}

function current(path: string, config: Kubeconfig) {
  const name = config["current-context"] ?? "";
  const context = config.contexts.find((candidate) => candidate.name === name)?.context;
  if (context === undefined) {
    throw new KubeconfigError(`Cannot use ${path}: current-context "${name}" is not in contexts`);
  }
  const cluster = config.clusters.find((candidate) => candidate.name === context.cluster)?.cluster;
  if (cluster === undefined) {
    throw new KubeconfigError(`Cannot use ${path}: cluster "${context.cluster}" is not in clusters`);
  }
  const user = config.users.find((candidate) => candidate.name === context.user);
  if (user === undefined) throw new KubeconfigError(`Cannot use ${path}: user "${context.user}" is not in users`);
  return { cluster, user: user.user ?? {} };
}

/** Reads what stands inline as base64 or in a file beside the kubeconfig, and remembers the files. */
class FieldReader {
  readonly read: string[] = [];
  readonly #files: FileSystem;
  readonly #kubeconfig: string;

  constructor(files: FileSystem, kubeconfig: string) {
    this.#files = files;
    this.#kubeconfig = kubeconfig;
  }

  async pem(field: string, inline: string | undefined, file: string | undefined): Promise<string | undefined> {
    const text = inline !== undefined && inline !== ""
      ? this.#decode(field, inline)
      : file !== undefined && file !== ""
      ? await this.text(field, file)
      : undefined;
    if (text !== undefined && !text.includes("-----BEGIN")) {
      throw new KubeconfigError(`Cannot use ${this.#kubeconfig}: ${field} is no PEM`);
    }
    return text;
  }

  async text(field: string, file: string): Promise<string> {
    const path = file.startsWith("/") ? file : this.#kubeconfig.replace(/[^/]*$/, "") + file;
    this.read.push(path);
    const content = await this.#files.read(path);
    if (content === undefined) {
      throw new KubeconfigError(`Cannot use ${this.#kubeconfig}: ${field} ${path} does not exist`);
    }
    return new TextDecoder().decode(content);
  }

  #decode(field: string, base64: string): string {
    try {
      return new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
    } catch (cause) {
      throw new KubeconfigError(`Cannot use ${this.#kubeconfig}: ${field}-data is no base64`, { cause });
    }
  }
}
