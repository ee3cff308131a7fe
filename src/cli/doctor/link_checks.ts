import { leewayMs } from "../../identity/token_verifier.ts";
import type { UpstreamFailure } from "../../platform/upstream.ts";
import { isIpAddress } from "../address.ts";
import { type Check, failed, type Finding, ok, skipped, warning } from "./finding.ts";
import type { ProbeAnswer, ServerProbe } from "./probe_server.ts";

/** Whether the names of `--server-addr` have addresses. */
export const namesCheck: Check = {
  name: "names",
  run: async (context) => {
    const probes = await context.probes();
    const named = probes.filter(({ hostname }) => !isIpAddress(hostname));
    if (named.length === 0) return [ok("--server-addr has addresses only, no names")];
    return named.map((probe) => nameFinding(probe, { others: probes.some(isUsable) }));
  },
};

/** Whether each API server is reached, is who it should be, and is ready. */
export const linkCheck: Check = {
  name: "link",
  run: async (context) => {
    const limitMs = context.values.durationMs("heartbeat-timeout-seconds");
    const probes = await context.probes();
    const others = probes.some(isUsable);
    return probes.map((probe) => linkFinding(probe, { others, limitMs }));
  },
};

/** Whether this machine and the API servers agree on the time. */
export const clockCheck: Check = {
  name: "clock",
  run: async (context) => {
    const ahead = (await context.probes()).flatMap((probe) =>
      probe.outcome === "answered" && probe.aheadMs !== undefined ? [{ host: probe.host, ms: probe.aheadMs }] : []
    );
    const [worst] = ahead.toSorted((a, b) => Math.abs(b.ms) - Math.abs(a.ms));
    return [worst === undefined ? skipped("no API server has told its time") : clockFinding(worst)];
  },
};

/** As long as this is no sign of anything: the answer took its time too. */
const harmlessSkewMs = 5_000;

function clockFinding({ host, ms }: { readonly host: string; readonly ms: number }): Finding {
  const seconds = Math.round(Math.abs(ms) / 1_000);
  if (Math.abs(ms) <= harmlessSkewMs) return ok(`this machine's clock and that of ${host} agree to ${seconds} s`);
  const what = `this machine's clock is ${seconds} s ${ms > 0 ? "behind" : "ahead of"} that of ${host}`;
  const advice = "set the clock, and keep it: chronyd or systemd-timesyncd, also from a server near the node";
  if (Math.abs(ms) <= leewayMs) return warning(what, `${advice}. Over ${leewayMs / 1_000} s tokens are refused`);
  return failed(`${what}: certificates and tokens that are valid are refused, or taken after their end`, advice);
}

/** Fewer servers than there could be are no failure of the node. */
function fault(what: string, { advice, others }: { readonly advice: string; readonly others: boolean }): Finding {
  return others ? warning(`${what}; another server answers`, advice) : failed(what, advice);
}

function nameFinding(probe: ServerProbe, { others }: { readonly others: boolean }): Finding {
  const { hostname } = probe;
  if (probe.outcome !== "unresolved") return ok(`${hostname} resolves`);
  if (probe.failure === "unknown") {
    return fault(`${hostname} has no address: ${probe.reason}`, {
      advice: "correct --server-addr, or give the name to the name server or to /etc/hosts of this machine",
      others,
    });
  }
  return fault(`no name server tells the address of ${hostname}: ${probe.reason}`, {
    advice:
      "see the name servers in /etc/resolv.conf and the way to them. A name that must resolve while the link is " +
      "cut belongs into /etc/hosts, or --server-addr takes the address",
    others,
  });
}

function isUsable(probe: ServerProbe): boolean {
  return probe.outcome === "answered" && (isReady(probe) || isReserved(probe));
}

function isReady({ status, body }: ProbeAnswer): boolean {
  return status === 200 && body === "ok";
}

/** It is there, and does not tell this caller how it is. */
function isReserved({ status }: ProbeAnswer): boolean {
  return status === 401 || status === 403;
}

interface LinkRules {
  readonly others: boolean;
  readonly limitMs: number;
}

function linkFinding(probe: ServerProbe, rules: LinkRules): Finding {
  const { host } = probe;
  switch (probe.outcome) {
    case "unresolved":
      return skipped(`${host} was not asked: its name does not resolve`);
    case "unreachable":
      return fault(`${host} is out of reach: ${probe.reason}`, {
        advice: probe.failure === "timeout"
          ? "see the route and the firewalls on the way: nobody answers at that address and port"
          : "see the address and port in --server-addr, whether the API server runs, and firewalls on the way",
        ...rules,
      });
    case "unanswered":
      return fault(`${host} is reached, but ${unansweredWords(probe)}`, {
        advice: unansweredAdvice(probe.failure),
        ...rules,
      });
    case "answered":
      return answerFinding(probe, rules);
  }
}

function unansweredWords({ failure, reason }: { readonly failure: UpstreamFailure; readonly reason: string }): string {
  if (failure === "untrusted") return `the node's CA does not vouch for it: ${reason}`;
  return failure === "timeout" ? `does not answer: ${reason}` : `breaks the connection: ${reason}`;
}

function unansweredAdvice(failure: UpstreamFailure): string {
  if (failure === "untrusted") {
    return "somebody else answers there (a portal, a proxy that opens TLS), or the cluster has another CA or address than " +
      "this identity was made for: give the kubeconfig or join token of this cluster. A clock that is wrong does it too";
  }
  return "something on the way takes the connection and does not carry it on: see proxies, NAT and the path MTU";
}

function answerFinding(probe: ServerProbe & ProbeAnswer, { others, limitMs }: LinkRules): Finding {
  const { host, status, body, connectMs, answerMs, unverified } = probe;
  const took = `TCP in ${Math.round(connectMs)} ms, TLS and answer in ${Math.round(answerMs)} ms`;
  if (isReserved(probe)) return ok(`${host} answers, ${took}; it does not tell this caller how it is (${status})`);
  if (!isReady(probe)) {
    return fault(`${host} is not ready: /readyz answered ${status}${status === 200 ? `, but not ok: ${body}` : ""}`, {
      advice: status === 200
        ? "something that is no API server answers there: a portal, or a load balancer's page"
        : "see how the API server is: kubectl get --raw '/readyz?verbose'",
      others,
    });
  }
  if (answerMs > limitMs) {
    return warning(
      `${host} is ready, but slow (${took}): the hub gives each check ${limitMs} ms and takes the link for cut`,
      "mend the link, or raise --heartbeat-timeout-seconds and --cloud-read-timeout",
    );
  }
  const whose = unverified ? "; whose server it is cannot be told without a CA" : "";
  return ok(`${host} is ready, ${took}${whose}`);
}
