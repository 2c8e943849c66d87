import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { FOUND_OUT, SERVER_SETTINGS } from "../src/server/protocol";

interface Property {
  readonly default: unknown;
  readonly markdownDescription: string;
}
interface Manifest {
  readonly icon: string;
  readonly capabilities: { readonly untrustedWorkspaces: { readonly restrictedConfigurations: string[] } };
  readonly contributes: {
    readonly commands: { readonly command: string }[];
    readonly keybindings: { readonly command: string }[];
    readonly configuration: { readonly properties: Record<string, Property> };
    readonly walkthroughs: { readonly steps: { readonly media: { readonly markdown: string } }[] }[];
  };
}

const root = process.cwd();
const read = (name: string): string => readFileSync(path.join(root, name), "utf8");
const manifest = JSON.parse(read("package.json")) as Manifest;
const { commands, configuration, keybindings, walkthroughs } = manifest.contributes;

/** `slmLsp.*` settings of the server, with their defaults, read from its source. */
function serverDefaults(): Map<string, unknown> {
  const source = read("../server/slm_lsp/server/settings.py");
  const fields = [...source.matchAll(/default=("[^"]*"|[\w.]+), metadata=\{"key": "([\w.]+)"/g)];
  const json = (value: string): string => value.replace("True", "true").replace("False", "false");
  return new Map(fields.map(([, value = "", key = ""]) => [`slmLsp.${key}`, JSON.parse(json(value))]));
}

test("the server's settings are here, with the server's defaults; those that no user sets are not", () => {
  const wanted = serverDefaults();
  assert.ok(wanted.size >= 5);
  const foundOut = FOUND_OUT.map((key) => `slmLsp.${key}`);
  for (const [key, value] of wanted) {
    assert.deepEqual(configuration.properties[key]?.default, foundOut.includes(key) ? undefined : value, key);
  }
  const told = [...SERVER_SETTINGS.map((key) => `slmLsp.${key}`), ...foundOut];
  assert.deepEqual(told.toSorted(), [...wanted.keys()].toSorted(), "what the server is told");
});

test("every setting is described in a sentence", () => {
  for (const [key, property] of Object.entries(configuration.properties)) {
    assert.match(property.markdownDescription, /^[A-Z`].{20,}\.$/, key);
  }
});

test("what can start a program or load a file is restricted in untrusted workspaces", () => {
  const restricted = manifest.capabilities.untrustedWorkspaces.restrictedConfigurations;
  assert.deepEqual(restricted.toSorted(), ["slmLsp.model", "slmLsp.pythonPath", "slmLsp.serverCommand"]);
});

test("every command is implemented, and every implemented command is there", () => {
  const source = read("src/commands.ts");
  const implemented = [...source.matchAll(/^ {2}"(slmLsp\.\w+)": /gm)].map(([, name]) => name);
  assert.deepEqual(commands.map(({ command }) => command).toSorted(), implemented.toSorted());
  for (const { command } of keybindings) {
    assert.ok(implemented.includes(command), command);
  }
});

test("the pictures and pages that the manifest names exist", () => {
  const pages = walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.markdown));
  for (const file of [manifest.icon, ...pages]) {
    assert.ok(existsSync(path.join(root, file)), file);
  }
});
