import { writeFile } from "node:fs/promises";
import { clock } from "../../adapters/shared/clock.ts";
import { createListen } from "../../adapters/shared/listener.ts";
import { random } from "../../adapters/shared/random.ts";
import { createDemoApiServer, type DemoApiServer } from "../../src/demo/api_server.ts";
import { seedSampleCluster } from "../../src/demo/sample_cluster.ts";
import { spkiHashes } from "../../src/identity/spki_hash.ts";
import type { Exchange } from "../../src/platform/exchange.ts";
import type { ExchangeHandler } from "../../src/platform/listener.ts";
import { createFakeSigner, type FakeSigner } from "./fake_signer.ts";
import { joinTokenText, requestsPath, signed, signedInfo } from "./joining.ts";
import { kubeconfigText } from "./kubeconfig_text.ts";

/** One request as an API server saw it. */
export interface AskedOfCloud {
  /** `GET /api/v1/pods` */
  readonly what: string;
  /** The first API server or the second. */
  readonly server: 0 | 1;
  /** Common name of the client's certificate; empty where it showed none. */
  readonly caller: string;
  readonly token: string;
  readonly signal: AbortSignal;
}

/** Two API servers of one cluster that take tokens and certificates, and sign the latter. */
export interface FlagCloud {
  readonly server: DemoApiServer;
  readonly signer: FakeSigner;
  readonly ports: readonly [number, number];
  readonly caHash: string;
  /** All that was asked, in order. */
  readonly asked: readonly AskedOfCloud[];
  /** In the API server's place, where it gives an answer. */
  intercept: (exchange: Exchange) => Response | Promise<Response> | undefined;
  /** Writes a kubeconfig with a certificate for this name. */
  writeKubeconfig(path: string, commonName: string): Promise<void>;
  /** Nobody listens any more. */
  close(): Promise<void>;
}

/** Starts it on free ports. */
export async function startFlagCloud(): Promise<FlagCloud> {
  const signer = await createFakeSigner(clock);
  const { authority } = signer;
  const server = createDemoApiServer({ clock, random });
  seedSampleCluster(server.objects, clock.now());
  const [caHash = ""] = await spkiHashes(authority.caPem);
  const asked: AskedOfCloud[] = [];
  const answer = async (request: Request, exchange: Exchange): Promise<Response> => {
    if (exchange.rawPath.endsWith("/cluster-info")) return Response.json(signedInfo(authority.caPem));
    if (!isKnown(exchange)) return Response.json({ message: "Unauthorized" }, { status: 401 });
    const other = cloud.intercept(exchange);
    if (other !== undefined) return await other;
    if (!exchange.rawPath.startsWith(requestsPath)) return await server.handle(request, exchange);
    const { status, object } = await signed(signer, exchange);
    return Response.json(object, { status });
  };
  const noting = (number: 0 | 1): ExchangeHandler => (request, exchange) => {
    asked.push(askedOf(exchange, number));
    return answer(request, exchange);
  };
  const tls = { ...await authority.issue({ commonName: "api", names: ["127.0.0.1"] }), clientCa: authority.caPem };
  const listen = createListen({});
  const first = await listen({ hostname: "127.0.0.1", port: 0, tls }, noting(0));
  const second = await listen({ hostname: "127.0.0.1", port: 0, tls }, noting(1));
  const { port } = first;
  const cloud: FlagCloud = {
    ...{ server, signer, ports: [port, second.port], caHash, asked },
    intercept: () => undefined,
    writeKubeconfig: async (path, commonName) => {
      const { cert, key } = await authority.issue({ commonName });
      await writeFile(path, kubeconfigText({ port, ca: authority.caPem, cert, key }));
    },
    close: async () => {
      server.close();
      await Promise.all([first.close(0), second.close(0)]);
    },
  };
  return cloud;
}

function askedOf(exchange: Exchange, server: 0 | 1): AskedOfCloud {
  const { method, rawPath, peer, signal } = exchange;
  const token = exchange.header("authorization")?.replace("Bearer ", "") ?? "";
  return { what: `${method} ${rawPath}`, server, caller: peer.certificate?.commonName ?? "", token, signal };
}

function isKnown(exchange: Exchange): boolean {
  const { certificate } = exchange.peer;
  return certificate?.authorized === true || exchange.header("authorization") === `Bearer ${joinTokenText}`;
}
