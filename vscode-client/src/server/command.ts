/**
 * The command line that starts a server.
 *
 * Knows: the user's own command and that of an environment. Must not know: which of them is wanted, or how
 * it is run.
 */
import * as os from "node:os";

/** A program and its arguments; what a subcommand needs is appended to it. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** Fill `${workspaceFolder}` and a leading `~` into the user's command; undefined for an empty one. */
export function fromSetting(
  setting: readonly string[],
  workspaceFolder: string | undefined,
  home: string = os.homedir(),
): Command | undefined {
  const [program, ...args] = setting
    .map((part) => part.replaceAll("${workspaceFolder}", workspaceFolder ?? "."))
    .map((part) => part.replace(/^~(?=[/\\]|$)/, home));
  return program ? { program, args } : undefined;
}

/** The server of an environment; isolated, so that no variable or file of a project takes a module's place. */
export function ofEnvironment(python: string): Command {
  return { program: python, args: ["-I", "-m", "slm_lsp.server"] };
}

/** The same program with further arguments. */
export function extended(command: Command, ...more: readonly string[]): Command {
  return { program: command.program, args: [...command.args, ...more] };
}
