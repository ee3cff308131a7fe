import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { files } from "../../adapters/shared/files.ts";
import { variableOf } from "../../src/cli/flag.ts";
import type { FlagValues } from "../../src/cli/flag_values.ts";
import { hubFlags } from "../../src/cli/hub_flags.ts";
import { resolveFlags, type ResolveFlagsOptions } from "../../src/cli/resolve_flags.ts";
import { filled, type FlagEffect, seeEffect } from "../testing/flag_scene.ts";
import { cloudEffects } from "../testing/flag_effects/cloud.ts";
import { filterEffects } from "../testing/flag_effects/filters.ts";
import { generalEffects } from "../testing/flag_effects/general.ts";
import { identityEffects } from "../testing/flag_effects/identity.ts";
import { listenerEffects } from "../testing/flag_effects/listeners.ts";
import { networkEffects } from "../testing/flag_effects/network.ts";
import { storageEffects } from "../testing/flag_effects/storage.ts";
import { readFlagHelp, readFlagTables } from "../testing/flag_table.ts";
import { holdfast } from "../testing/hub_program.ts";
import { withTempFolder } from "../testing/temp_folder.ts";

const effects: readonly FlagEffect[] = [
  ...cloudEffects,
  ...listenerEffects,
  ...storageEffects,
  ...identityEffects,
  ...filterEffects,
  ...networkEffects,
  ...generalEffects,
];

const page = new URL("../../docs/flags.md", import.meta.url);
const table = readFlagTables(await readFile(page, "utf8"));

test("docs/flags.md has the flags, groups, defaults and meanings of holdfast hub --help, no more and no less", async () => {
  const { exitCode, stdout } = await holdfast("hub", "--help");
  assert.equal(exitCode, 0);
  const told = readFlagHelp(stdout);
  assert.deepEqual(told.map(({ name }) => name), hubFlags.map(({ name }) => name).sort(asIn(told)));
  assert.deepEqual(table, told);
});

test("every flag of docs/flags.md has an effect that is seen, at another value than its default", () => {
  const seen = effects.flatMap(({ flags }) => Object.keys(flags));
  assert.deepEqual(seen.toSorted(), table.map(({ name }) => name).toSorted());
  for (const { flags } of effects) {
    for (const [name, value] of Object.entries(flags)) {
      assert.notEqual(value, table.find((flag) => flag.name === name)?.default, name);
    }
  }
});

describe("a flag of the hub that is set to another value has its effect", () => {
  for (const effect of effects) {
    const [first = "", ...further] = Object.keys(effect.flags);
    const name = further.length > 3 ? `--${first} and ${further.length} more` : [first, ...further].join(", --");
    test(name, () => seeEffect(effect));
  }
});

/** What stands for the words of values where no hub is started. */
const words = { folder: "/f", port: "6443", second: "6444", free: "1234", caHash: `sha256:${"0".repeat(64)}` };
const others = filled(Object.fromEntries(effects.flatMap(({ flags }) => Object.entries(flags))), words);

describe("each flag of the hub is taken from the file and from the environment as from the command line", () => {
  for (const flag of hubFlags.filter(({ name }) => name !== "config")) {
    test(flag.name, async () => {
      await withTempFolder(async (folder) => {
        const { name } = flag;
        const text = others[name] ?? "";
        const config = `${folder}/hub.yaml`;
        await writeFile(config, JSON.stringify({ [name]: text }));
        const variable = { [variableOf(flag)]: text };
        const [typed, inFile, inEnvironment] = await Promise.all([
          resolved({ given: { [name]: [text] } }),
          resolved({ given: { config: [config] } }),
          resolved({ environment: variable }),
        ]);
        for (const values of [inFile, inEnvironment]) assert.deepEqual(valueOf(values, name), valueOf(typed, name));
        assert.deepEqual(
          [inFile.source(name), inEnvironment.source(name), typed.source(name)],
          ["file", "environment", "command line"],
        );
        const both = await resolved({ given: { config: [config] }, environment: variable });
        const all = await resolved({ given: { config: [config], [name]: [text] }, environment: variable });
        assert.deepEqual([both.source(name), all.source(name)], ["environment", "command line"]);
      });
    });
  }
});

/** In the order in which they are told. */
function asIn(told: readonly { readonly name: string }[]): (a: string, b: string) => number {
  const place = (name: string): number => told.findIndex((flag) => flag.name === name);
  return (a, b) => place(a) - place(b);
}

/** The hub's flags, with those that are required. */
function resolved(
  { given = {}, environment = {} }: Partial<Pick<ResolveFlagsOptions, "given" | "environment">>,
): Promise<FlagValues> {
  const optional = hubFlags.map((flag) => ({ ...flag, required: false }));
  return resolveFlags({ flags: optional, given, environment, files });
}

function valueOf(values: FlagValues, name: string): unknown {
  const read = {
    string: values.string,
    integer: values.integer,
    boolean: values.boolean,
    duration: values.durationMs,
    bytes: values.bytes,
    list: values.list,
  };
  return read[hubFlags.find((flag) => flag.name === name)?.type ?? "string"](name);
}
