/**
 * Other Python language servers that fill the same popup.
 *
 * Knows: who brings one, and what switches it off. Must not know: the editor's API.
 */

/** The part of the editor that tells. */
export interface Installed {
  /** Whether an extension is installed and enabled. */
  readonly has: (extension: string) => boolean;
  /** The value of a setting, by its whole name. */
  readonly setting: (name: string) => unknown;
  /** False in Restricted Mode. */
  readonly trusted: boolean;
}

/** The settings that switch a neighbor on or off. */
export const SWITCHES = [
  "python.languageServer",
  "pyright.disableLanguageServices",
  "basedpyright.disableLanguageServices",
] as const;

/** Whether another Python language server is installed and not switched off. */
export function hasNeighbor(installed: Installed): boolean {
  return (
    (installed.has("ms-python.python") && bringsServer(installed)) ||
    isOn(installed, "ms-pyright.pyright", "pyright") ||
    isOn(installed, "detachhead.basedpyright", "basedpyright")
  );
}

/** Whether Microsoft's Python extension runs Pylance, which is an extension of its own, or the Jedi that it carries. */
function bringsServer({ has, setting, trusted }: Installed): boolean {
  const pylance = has("ms-python.vscode-pylance");
  const jedi = trusted; // In Restricted Mode it starts nothing but Pylance.
  switch (setting("python.languageServer")) {
    case "None":
      return false;
    case "Jedi":
      return jedi;
    case "Pylance":
      return pylance;
    default:
      return pylance || jedi;
  }
}

/** Whether a Pyright completes: people who have it switch off Microsoft's server, and sometimes its own. */
function isOn({ has, setting }: Installed, extension: string, section: string): boolean {
  return has(extension) && setting(`${section}.disableLanguageServices`) !== true;
}
