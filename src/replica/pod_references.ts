/**
 * The Secrets and ConfigMaps that a pod names: in volumes (its token's `kube-root-ca.crt` is one), environment and for
 * pulling images.
 *
 * @param pod as JSON
 * @returns `secrets/NAMESPACE/NAME` and `configmaps/NAMESPACE/NAME`
 */
export function podReferences(pod: Uint8Array): ReadonlySet<string> {
  const object: unknown = JSON.parse(new TextDecoder().decode(pod));
  const namespace = member(member(object, "metadata"), "namespace");
  const found = new Set<string>();
  if (typeof namespace === "string") collect(member(object, "spec"), { namespace, found });
  return found;
}

interface Collected {
  readonly namespace: string;
  readonly found: Set<string>;
}

/** Members that name a ConfigMap or Secret, wherever they stand in a pod's spec. */
const namedBy: Readonly<Record<string, readonly [resource: string, member: string]>> = {
  configMap: ["configmaps", "name"],
  configMapRef: ["configmaps", "name"],
  configMapKeyRef: ["configmaps", "name"],
  secret: ["secrets", "secretName"],
  secretRef: ["secrets", "name"],
  secretKeyRef: ["secrets", "name"],
};

function collect(value: unknown, collected: Collected): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, collected);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "imagePullSecrets" && Array.isArray(inner)) {
      for (const reference of inner) add("secrets", member(reference, "name"), collected);
    }
    const named = namedBy[key];
    if (named !== undefined) {
      add(named[0], member(inner, named[1]), collected);
      if (named[0] === "secrets") add("secrets", member(inner, "name"), collected); // of a projected volume
    }
    collect(inner, collected);
  }
}

function add(resource: string, name: unknown, { namespace, found }: Collected): void {
  if (typeof name === "string" && name !== "") found.add(`${resource}/${namespace}/${name}`);
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
