/** A copy of the object with the values at the paths set, without those that are undefined. */
export function withValues(object: unknown, values: Readonly<Record<string, unknown>>): unknown {
  const result: unknown = structuredClone(object);
  for (const [path, value] of Object.entries(values)) {
    const steps = path.split(".");
    const parent = steps.slice(0, -1).reduce<unknown>((inner, step) => Reflect.get(Object(inner), step), result);
    Reflect.set(Object(parent), steps.at(-1) ?? "", value);
  }
  return JSON.parse(JSON.stringify(result));
}
