import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { type ClusterFacts, reviewSigningRequest } from "../../../src/controller/review_signing_request.ts";
import { signingRequestSchema } from "../../../src/controller/signing_request.ts";
import { makeCertificateRequest } from "../../../src/identity/certificate_request.ts";
import {
  type CertificateTemplate,
  clientTemplate,
  servingTemplate,
} from "../../../src/identity/certificate_template.ts";

const nodeName = "node-1";
const client = clientTemplate({ nodeName, organizations: [] });
const openYurt = clientTemplate({ nodeName, organizations: ["openyurt:tenant:a"] });
const serving = servingTemplate({ nodeName, ips: ["10.0.0.1", "10.96.0.1", "169.254.2.1", "fd00::2:1"] });

interface Requester {
  readonly username: string;
  readonly groups: readonly string[];
}

const itself: Requester = { username: "system:node:node-1", groups: ["system:nodes", "system:authenticated"] };
const otherNode: Requester = { username: "system:node:node-2", groups: ["system:nodes", "system:authenticated"] };
const bootstrap: Requester = { username: "system:bootstrap:abcdef", groups: ["system:bootstrappers"] };
const stranger: Requester = { username: "eve", groups: ["system:authenticated"] };

interface World {
  /** Nothing: there is no Node. */
  readonly ready?: boolean;
  readonly mayBootstrap?: boolean;
}

const alone: World = {};
const notReady: World = { ready: false };
const ready: World = { ready: true };

const approved: readonly (readonly [string, CertificateTemplate, Requester, World])[] = [
  ["a client certificate for a join token and a new node", client, bootstrap, alone],
  ["a client certificate for a join token and a node that is not Ready", client, bootstrap, notReady],
  ["a client certificate's renewal by its node", client, itself, ready],
  ["OpenYurt's form for a join token", openYurt, bootstrap, alone],
  ["OpenYurt's form for its node", openYurt, itself, ready],
  [
    "a client certificate with key encipherment",
    { ...client, usages: [...client.usages, "key encipherment"] },
    itself,
    ready,
  ],
  ["the hub's serving certificate", serving, itself, ready],
  ["kubelet's serving certificate", { ...serving, dnsNames: [nodeName], ips: ["10.0.0.1"] }, itself, ready],
];

for (const [what, template, requester, world] of approved) {
  test(`reviewSigningRequest approves ${what}`, async () => {
    assert.deepEqual(await review(template, requester, world), { kind: "approve" });
  });
}

const refused: readonly (readonly [string, CertificateTemplate, Requester, World, RegExp])[] = [
  [
    "another node's client certificate",
    client,
    otherNode,
    ready,
    /system:node:node-2 asks for the certificate of system:node:node-1/,
  ],
  ["a stranger's", client, stranger, alone, /eve is neither that node nor a holder/],
  ["a join token without the right", client, bootstrap, { mayBootstrap: false }, /neither that node nor a holder/],
  ["a join token for a node that is Ready", client, bootstrap, ready, /which is Ready/],
  ["a node that is not there any more", client, itself, alone, /there is no Node node-1/],
  ["one that only calls itself a node", client, { ...itself, groups: [] }, ready, /neither that node nor a holder/],
  ["a common name that is no node's", { ...client, commonName: "admin" }, itself, ready, /common name admin is not/],
  ["an empty node name", { ...client, commonName: "system:node:" }, itself, ready, /is not that of a node/],
  ["no organization", { ...client, organizations: [] }, itself, ready, /lack system:nodes/],
  [
    "another organization",
    { ...client, organizations: ["system:nodes", "system:masters"] },
    itself,
    ready,
    /include system:masters/,
  ],
  [
    "OpenYurt's organization at kubelet's signer",
    { ...client, organizations: ["system:nodes", "openyurt:yurthub"] },
    itself,
    ready,
    /include openyurt:yurthub/,
  ],
  [
    "OpenYurt's form with system:masters",
    { ...openYurt, organizations: [...openYurt.organizations, "system:masters"] },
    itself,
    ready,
    /include system:masters/,
  ],
  [
    "OpenYurt's form without its mark",
    { ...openYurt, organizations: ["system:nodes"] },
    itself,
    ready,
    /lack openyurt:yurthub/,
  ],
  [
    "a client certificate that may serve",
    { ...client, usages: [...client.usages, "server auth"] },
    itself,
    ready,
    /usages/,
  ],
  [
    "a client certificate that may sign",
    { ...client, usages: [...client.usages, "cert sign"] },
    itself,
    ready,
    /usages/,
  ],
  ["a client certificate with a name", { ...client, dnsNames: ["kubernetes"] }, itself, ready, /no DNS names/],
  ["another node's serving certificate", serving, otherNode, ready, /system:node:node-2 asks/],
  ["a join token's serving certificate", serving, bootstrap, alone, /system:bootstrap:abcdef asks/],
  ["a serving certificate without a Node", serving, itself, alone, /there is no Node/],
  [
    "a serving certificate of another name",
    { ...serving, dnsNames: ["example.com"] },
    itself,
    ready,
    /DNS name example\.com/,
  ],
  ["a serving certificate of a wildcard", { ...serving, dnsNames: ["*"] }, itself, ready, /DNS name \*/],
  [
    "a serving certificate of another address",
    { ...serving, ips: ["10.0.0.2"] },
    itself,
    ready,
    /IP address 10\.0\.0\.2/,
  ],
  [
    "a serving certificate without names",
    { ...serving, dnsNames: [], ips: [] },
    itself,
    ready,
    /neither DNS names nor/,
  ],
  [
    "a serving certificate for clients",
    { ...serving, usages: ["digital signature", "client auth"] },
    itself,
    ready,
    /usages/,
  ],
  [
    "a serving certificate of another organization",
    { ...serving, organizations: ["system:nodes", "a"] },
    itself,
    ready,
    /organizations/,
  ],
];

for (const [what, template, requester, world, reason] of refused) {
  test(`reviewSigningRequest refuses ${what}`, async () => {
    const verdict = await review(template, requester, world);
    assert.equal(verdict.kind, "refuse", JSON.stringify(verdict));
    assert.match(verdict.kind === "refuse" ? verdict.reason : "", reason);
  });
}

for (
  const [what, template] of [
    ["another signer's", { ...client, signerName: "example.com/own" }],
    ["a person's client certificate", { ...openYurt, commonName: "jane", organizations: ["dev"] }],
  ] as const
) {
  test(`reviewSigningRequest leaves ${what} alone`, async () => {
    assert.deepEqual(await review(template, stranger, alone), { kind: "other" });
  });
}

for (
  const [what, request, reason] of [
    ["what is no PEM", "hello", /holds no certificate request/],
    [
      "what is no request",
      "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n",
      /cannot be read/,
    ],
  ] as const
) {
  test(`reviewSigningRequest refuses ${what}`, async () => {
    const verdict = await reviewSigningRequest(signingRequest(client, itself, request), facts(ready));
    assert.match(verdict.kind === "refuse" ? verdict.reason : "", reason);
  });
}

test("reviewSigningRequest refuses a request that another key has signed", async () => {
  const [one, two] = await Promise.all([makeCertificateRequest(client), makeCertificateRequest(client)]);
  const der = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
  // The signature is what stands last; both keys make one of about the same length.
  const [first, second] = [der(one.request), der(two.request)];
  const forged = Buffer.concat([first.subarray(0, -8), second.subarray(-8)]);
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${forged.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  const verdict = await reviewSigningRequest(signingRequest(client, itself, pem), facts(ready));
  assert.match(verdict.kind === "refuse" ? verdict.reason : "", /not signed with its own key|cannot be read/);
});

async function review(template: CertificateTemplate, requester: Requester, world: World) {
  const { request } = await makeCertificateRequest(template);
  return await reviewSigningRequest(signingRequest(template, requester, request), facts(world));
}

function signingRequest(template: CertificateTemplate, requester: Requester, request: string) {
  const { signerName, usages } = template;
  return signingRequestSchema.parse({
    metadata: { name: "one", uid: "1" },
    spec: { request: btoa(request), signerName, usages, ...requester },
  });
}

function facts({ ready, mayBootstrap = true }: World): ClusterFacts {
  const addresses = [{ type: "InternalIP", address: "10.0.0.1" }, { type: "Hostname", address: nodeName }];
  return {
    node: (name) => Promise.resolve(ready === undefined || name !== nodeName ? undefined : { ready, addresses }),
    mayBootstrap: () => Promise.resolve(mayBootstrap),
    serviceIps: () => Promise.resolve(["10.96.0.1"]),
    dummyIps: ["169.254.2.1", "fd00::2:1"],
  };
}
