/** Manifests of the tests, as JSON, which kubectl takes too. */

export interface PodOptions {
  readonly name: string;
  readonly nodeName: string;
  /** @default {a sleeper} */
  readonly command?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Further fields of the container. */
  readonly container?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly unknown[];
}

/** A pod in `default` that is bound already, with one container `main`. */
export function pod(options: PodOptions): unknown {
  const { name, nodeName, command = ["sleep", "infinity"], labels = { app: name }, container = {}, volumes = [] } =
    options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels },
    spec: {
      nodeName,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "main", image: "none", command, ...container }],
      volumes,
    },
  };
}

export function configMap(name: string, data: Readonly<Record<string, string>>): unknown {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" }, data };
}

export function secret(name: string, stringData: Readonly<Record<string, string>>): unknown {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "default" }, stringData };
}

/** For `kubectl create -f -`. */
export function list(...items: readonly unknown[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}
