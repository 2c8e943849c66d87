/**
 * Run by the editor after this extension was uninstalled: removes the environments that it made.
 *
 * Knows: the note that the extension leaves in its own folder. Must not know: the editor's API, which is not
 * there any more. Trained models stay: they are the user's, and `slm-lsp clean` removes them.
 */
import { readFileSync, rmSync } from "node:fs";
import * as path from "node:path";
import { environmentsToRemove, NOTE } from "./environment/note";

const note = path.join(path.dirname(__dirname), NOTE);
let text = "";
try {
  text = readFileSync(note, "utf8");
} catch {
  // No note: no environment was ever made.
}
for (const folder of environmentsToRemove(text)) {
  rmSync(folder, { recursive: true, force: true });
}
