import { PatchRefusal } from "./patch_refusal.ts";
import { JsonMembers, rawEqual, type RawJson, rawJson, readElements, textOf, writeElements } from "./raw_json.ts";

/**
 * What the API server makes of a pod's status that was patched (kubernetes registry/core/pod/strategy.go,
 * podStatusStrategy, and the conversions of apis/core/v1): the class of service and observed generations that are missing
 * stay, and `podIP` is the first of `podIPs`.
 *
 * @throws PatchRefusal where it would refuse the status
 */
export function settlePodStatus(held: JsonMembers, patched: JsonMembers): void {
  for (const key of ["qosClass", "observedGeneration"]) {
    const value = held.present(key);
    if (value !== undefined && patched.present(key) === undefined) patched.set(key, value);
  }
  if (!rawEqual(held.present("qosClass"), patched.present("qosClass"))) {
    throw new PatchRefusal("fails", "The patch changes status.qosClass, which never changes");
  }
  keepObservedGenerations(held, patched);
  alignPodIps(patched);
}

function keepObservedGenerations(held: JsonMembers, patched: JsonMembers): void {
  const list = patched.present("conditions");
  if (list === undefined) return;
  const generations = new Map<string, (RawJson | undefined)[]>();
  for (const condition of elementsOf(held.present("conditions"))) {
    const type = textOf(condition.get("type")) ?? "";
    generations.set(type, [...generations.get(type) ?? [], condition.present("observedGeneration")]);
  }
  const conditions = elementsOf(list);
  for (const condition of conditions) {
    const generation = generations.get(textOf(condition.get("type")) ?? "")?.shift();
    if (generation !== undefined && condition.present("observedGeneration") === undefined) {
      condition.set("observedGeneration", generation);
    }
  }
  patched.set("conditions", writeElements(conditions.map((condition) => condition.bytes())));
}

/** Where the two differ, `podIP` counts, which old kubelets know alone. */
function alignPodIps(patched: JsonMembers): void {
  const address = textOf(patched.present("podIP")) ?? "";
  const [first] = elementsOf(patched.present("podIPs"));
  const listed = textOf(first?.get("ip")) ?? "";
  if (address !== "" && address !== listed) patched.set("podIPs", rawJson([{ ip: address }]));
  else if (address === "" && listed !== "") patched.set("podIP", rawJson(listed));
}

function elementsOf(list: RawJson | undefined): JsonMembers[] {
  return list === undefined ? [] : readElements(list).map((element) => new JsonMembers(element));
}
