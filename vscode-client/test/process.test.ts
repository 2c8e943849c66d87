import assert from "node:assert/strict";
import { test } from "node:test";
import { extended, fromSetting, ofEnvironment } from "../src/server/command";
import { howItEnded, startProcess } from "../src/server/process";

const node = (script: string) => ({ program: process.execPath, args: ["-e", script] });

test("an end is told with its exit code and the last line of stderr", async () => {
  const lines: string[] = [];
  const server = await startProcess(
    node("console.error('one'); console.error('ImportError: two'); process.exitCode = 3"),
    undefined,
    (text) => lines.push(text),
  );
  assert.equal(await server.ended, "The server ended with exit code 3: ImportError: two");
  assert.match(lines.join("\n"), /one\nImportError: two/);
});

test("a signal is named", async () => {
  const server = await startProcess(node("setInterval(() => {}, 1000)"), undefined, () => undefined);
  server.child.kill("SIGKILL");
  assert.equal(await server.ended, "The server was ended by SIGKILL.");
});

test("a program that is not there is an error that names it", async () => {
  const command = { program: "/no/such/slm-lsp", args: [] };
  await assert.rejects(startProcess(command, undefined, () => undefined), /^Error: \/no\/such\/slm-lsp cannot be started/);
});

test("an end without a word is told all the same", () => {
  assert.equal(howItEnded(0, null, " \n"), "The server ended with exit code 0.");
});

test("the user's command: folder and home are filled in, an empty one is none", () => {
  assert.deepEqual(fromSetting(["~/bin/slm-lsp", "${workspaceFolder}/a~b"], "/ws", "/home/me"), {
    program: "/home/me/bin/slm-lsp",
    args: ["/ws/a~b"],
  });
  assert.equal(fromSetting([], "/ws"), undefined);
  assert.equal(fromSetting([""], "/ws"), undefined);
});

test("subcommands are appended", () => {
  assert.deepEqual(extended(ofEnvironment("py"), "models", "--json").args, ["-I", "-m", "slm_lsp.server", "models", "--json"]);
});
