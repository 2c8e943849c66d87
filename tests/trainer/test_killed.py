"""kill -9 at any instant of training: the next run goes on or starts anew, no half model is in use, nothing is left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from workshop import Workshop

from slm_lsp.model.completion import Completer
from slm_lsp.trainer.states import SavedState

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows knows no such signals")
MORTAL = Path(__file__).parent / "mortal.py"
LAST = 90
"""Touches of its files that a run makes after training: drafts to judge, the model, the choice, clearing away."""
STAGES = ("started", "set aside:", "tokens", "learning when", "completing at")
"""What a run has said when it comes to its next part."""


class Mortal:
    """Runs of `slm-lsp train` in a workshop that are killed, one after another; most of them with --resume."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        for name in ("catalogue", "ingest", "searching"):  # half a shop is learned and judged faster
            (workshop.project / f"{name}.py").unlink()
        self.temporary = workshop.root / "tmp"
        self.temporary.mkdir()
        self.touches = workshop.root / "touches"
        self.kills, self.resumed, self.stages = 0, 0, dict.fromkeys(STAGES, 0)
        began = time.monotonic()
        self.run()
        self.seconds = time.monotonic() - began
        self.touched = int(self.touches.read_text())

    def run(self, *, seconds: float | None = None, touch: int = -1, resume: bool = True) -> None:
        """One run, killed after so many seconds, at that touch of its files, or not at all; and look what is left."""
        command = [sys.executable, "-P", str(MORTAL), str(touch), str(self.touches), "train"]
        environment = {**os.environ, **self.workshop.environment(), "TMPDIR": str(self.temporary)}
        had_state = self.state().exists()
        with subprocess.Popen(
            [*command, str(self.workshop.project), "--json", *(["--resume"] if resume else [])],
            env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            death = threading.Timer(seconds if seconds is not None else 600, process.kill)
            death.start()
            output, said = process.communicate()
            death.cancel()
        if process.returncode == -signal.SIGKILL:
            self.kills += 1
            self.stages[max((stage for stage in STAGES if stage in "started" + said), key=STAGES.index)] += 1
        else:
            assert process.returncode == 0, said
            assert json.loads(output)["name"] == self.workshop.library.models()[0].name
        if "tokens" in said:
            assert ("going on at step" in said) == (resume and had_state), "what there is, is gone on from"
            self.resumed += resume and had_state
        self.look()

    def state(self) -> Path:
        """Where the state of an unfinished run is."""
        return SavedState(self.workshop.project.resolve(), "adapt", self.workshop.library.training).file

    def look(self) -> None:
        """No half model is in the library, let alone in use; what is in use completes, and beat the base model."""
        library = self.workshop.library
        models = {model.name: model for model in library.models()}
        assert [model.damaged for model in models.values()] in ([], [None])
        if used := library.in_use(self.workshop.project):
            completer = Completer.load(models[used].folder)
            completer.complete("import chromadb\n\nclient = chromadb.", "\n", path="a.py")
            base, trained = (completer.checkpoint.metrics[name] for name in ("base", "trained"))
            assert (trained["em"], trained["es"]) > (base["em"], base["es"])

    def finish(self) -> None:
        """A run that is left alone comes to its end and leaves a model, its choice, and nothing else."""
        self.run()
        home = self.workshop.library.root
        files = {path.relative_to(home).as_posix() for path in home.rglob("*") if not path.is_dir()}
        hidden = {file for file in files if file.startswith(".") or "/." in file}
        assert not hidden
        assert {file.split("/")[0] for file in files} <= {"models", "workspaces"}
        assert not list(self.workshop.library.training.iterdir())
        assert not list(self.temporary.glob("slm-lsp*"))

    def die(self, kills: int, seed: int) -> None:
        """Be killed so many times, at seeded instants: a third by the clock, a third at each kind of touch."""
        draw = random.Random(seed)
        while self.kills < kills:
            kind, resume = self.kills % 3, draw.random() < 0.6
            if kind == 0:
                self.run(seconds=draw.uniform(0, self.seconds), resume=resume)
            elif kind == 1:
                self.run(touch=draw.randrange(self.touched), resume=resume)
            else:
                self.run(touch=max(self.touched - 1 - draw.randrange(LAST), 0), resume=resume)
        self.finish()


def test_killed_five_times_it_ends_well(workshop: Workshop) -> None:
    mortal = Mortal(workshop)
    mortal.die(5, seed=0)
    assert mortal.resumed > 0


@pytest.mark.slow
def test_killed_fifty_times_it_ends_well(workshop: Workshop) -> None:
    mortal = Mortal(workshop)
    mortal.die(50, seed=1)
    print(mortal.kills, mortal.resumed, mortal.stages)
    assert mortal.resumed >= 10
    assert sum(count > 0 for count in mortal.stages.values()) >= 4
