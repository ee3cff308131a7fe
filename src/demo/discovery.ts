import type { JsonObject } from "./api_object.ts";
import { resourceTypes } from "./resource_type.ts";

const verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];

/** `/api`. */
export function coreVersions(): JsonObject {
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
}

/** `/apis`. */
export function groupList(): JsonObject {
  const groups = [...new Set(resourceTypes.map((type) => type.group))].filter((group) => group !== "");
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: groups.map((group) => {
      const version = { groupVersion: `${group}/v1`, version: "v1" };
      return { name: group, versions: [version], preferredVersion: version };
    }),
  };
}

/** `/api/v1` and `/apis/<group>/<version>`; nothing where the group is unknown. */
export function resourceList(group: string, version: string): JsonObject | undefined {
  const types = resourceTypes.filter((type) => type.group === group && type.version === version);
  if (types.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: types.flatMap((type) => {
      const { singular: singularName, namespaced, kind, shortNames } = type;
      const categories = type.inAll ? ["all"] : [];
      const main = { name: type.resource, singularName, namespaced, kind, verbs, shortNames, categories };
      const status = { name: `${type.resource}/status`, singularName: "", namespaced, kind };
      return type.statusSubresource ? [main, { ...status, verbs: ["get", "patch", "update"] }] : [main];
    }),
  };
}

/** `/version`. */
export function serverVersion(): JsonObject {
  return {
    major: "1",
    minor: "36",
    gitVersion: "v1.36.0-holdfast-demo",
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "",
    platform: "",
  };
}
