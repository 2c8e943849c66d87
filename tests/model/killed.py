"""Kills a writer of the library at every moment at which it asks the system for something, and looks what is left.

`python killed.py ACT FOLDER`: ACT is replace, write, use or remove. Prints the number of moments, and after how many
of them the old state and the new one were found. A process of its own, because it forks.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from doubles import GOLDEN, tiny_checkpoint
from slm_lsp.model.library import ModelLibrary
from slm_lsp.model.runtime.checkpoint import Checkpoint, write_checkpoint

NEWEST = Checkpoint.open(GOLDEN / "format2")
PARTS = {
    "config": NEWEST.config, "prompt": "prefix", "tensors": NEWEST.tensors(), "graph": NEWEST.graph(),
    "tokenizer": NEWEST.tokenizer(), "metrics": {}, "gate": {}, "card": "# new\n",
}  # fmt: skip
ASKS = ("open", "os.", "shutil.", "fcntl.")
"""What the names of audit events about files begin with."""


def die_at(moment: int) -> None:
    """Have this process kill itself when it asks the system for something for the n-th time."""
    count = 0

    def watch(event: str, _: object) -> None:
        nonlocal count
        if event.startswith(ASKS) and event != "os.kill":
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

    sys.addaudithook(watch)


def lives(act: Callable[[], object], moment: int) -> bool:
    """Do something in a process that dies at a moment; whether it had come to its end before."""
    child = os.fork()
    if child == 0:
        die_at(moment)
        act()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


class Scene:
    """A library with one model, "tiny", in use for a project, and what is done to it."""

    def __init__(self, root: Path, act: str) -> None:
        self.library = ModelLibrary(root / "home")
        self.project = root / "project"
        self.project.mkdir()
        self.folder = self.library.folder_for(self.project, "adapt")
        self.act = act
        if act != "write":
            tiny_checkpoint(self.folder)
            self.library.use(self.project, self.folder.name)

    def play(self) -> None:
        """What the writer does before it is killed."""
        if self.act == "use":
            self.library.use(self.project, None)
        elif self.act == "remove":
            self.library.remove(self.folder.name)
        else:
            write_checkpoint(self.folder, name="new", **PARTS)  # type: ignore[arg-type]

    def is_new(self) -> bool:
        """Whether the new state is found or the old one; nothing between them is."""
        models = self.library.models()
        assert [model.damaged for model in models] in ([], [None])
        used = self.library.in_use(self.project)
        if self.act == "use":
            return used is None
        if self.act == "write":
            assert used is None
            return bool(models)
        if self.act == "remove":
            assert used is None or models
            return not models
        assert used == self.folder.name
        return Checkpoint.open(self.folder).name == "new"

    def is_tidy(self) -> bool:
        """Whether the next run clears away what is left."""
        self.library.tidy()
        lying = [path.name for path in self.library.root.glob("*/*")]
        return not any(name.startswith(".") for name in lying)


def main(act: str, root: Path) -> None:
    """Kill at every moment, one after another, until one comes after the end."""
    found, moment, ended = {False: 0, True: 0}, 0, False
    while not ended:
        room = root / "room"
        room.mkdir()
        scene = Scene(room, act)
        ended = lives(scene.play, moment)
        found[scene.is_new()] += 1
        assert scene.is_tidy(), f"{act}: something is left of moment {moment}"
        assert not ended or scene.is_new()
        shutil.rmtree(room)
        moment += 1
    print(moment, found[False], found[True])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
