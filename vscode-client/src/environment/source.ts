/**
 * Where the server comes from: the user's command, or the environment of the wheel we carry.
 *
 * Knows: which goes first, and that an upgrade of the extension upgrades an environment. Must not know: how
 * either is made or run.
 */
import * as vscode from "vscode";
import { fromSetting, ofEnvironment, type Command } from "../server/command";
import { NotSetUp } from "../server/lifecycle";
import { serverCommandSetting } from "../settings";
import type { Environment, Environments } from "./environments";
import type { SetUp } from "./setUp";
import { findWheel, type Wheel } from "./wheel";

export class ServerSource {
  constructor(
    private readonly wheelFolder: string,
    private readonly environments: Environments,
    private readonly setUp: SetUp,
  ) {}

  /** The command that starts the server; undefined where nothing is set up. Changes nothing. */
  async command(): Promise<Command | undefined> {
    const named = this.named();
    if (named) {
      return named;
    }
    const wheel = await findWheel(this.wheelFolder);
    const environment = wheel && (await this.environments.of(wheel));
    return environment && ofEnvironment(environment.python);
  }

  /**
   * The same, with an older environment brought up to date first; rejects with NotSetUp where there is none.
   *
   * Older environments that no window runs from any more are removed.
   */
  async commandToStart(): Promise<Command> {
    const named = this.named();
    if (named) {
      return named;
    }
    const wheel = await this.wheel();
    const environment = (await this.environments.of(wheel)) ?? (await this.upgraded(wheel));
    try {
      await this.environments.use(environment);
      await this.environments.removeOthers(wheel);
    } catch {
      // Without a lease, on a full disk say, the server starts all the same, and nothing is removed.
    }
    return ofEnvironment(environment.python);
  }

  /** The user's own command. */
  private named(): Command | undefined {
    return fromSetting(serverCommandSetting(), vscode.workspace.workspaceFolders?.[0]?.uri.fsPath);
  }

  /** The environment made anew from an older one; the older one where that fails. */
  private async upgraded(wheel: Wheel): Promise<Environment> {
    const older = await this.environments.older(wheel);
    if (!older) {
      throw new NotSetUp("slm-lsp's server is not set up yet.");
    }
    // The user agreed to an environment once; a newer one in its place needs no second question.
    return (await this.setUp.make(wheel, "Upgrading slm-lsp")) ?? older;
  }

  /** Make the environment because the user asked for it; true when it is there. */
  async make(): Promise<boolean> {
    return (await this.setUp.make(await this.wheel(), "Setting up slm-lsp")) !== undefined;
  }

  /** The wheel we carry; rejects with NotSetUp in a build without one. */
  async wheel(): Promise<Wheel> {
    const wheel = await findWheel(this.wheelFolder);
    if (!wheel) {
      throw new NotSetUp("This build of the extension carries no server; name one in slmLsp.serverCommand.");
    }
    return wheel;
  }

  /** Whether the server is the user's own and not ours to install or remove. */
  get isTheUsers(): boolean {
    return serverCommandSetting().length > 0;
  }
}
