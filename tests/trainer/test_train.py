"""`train` from a folder to a model: adapted or rebuilt, measured, written, used only where it is better."""

from __future__ import annotations

import io
import json
import math

import pytest
from rich.console import Console
from workshop import Workshop

from doubles import TINY
from slm_lsp.model.completion import Completer
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.evaluation import Scores
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.trainer.judge import ENOUGH, Verdict, judge
from slm_lsp.trainer.report import show
from slm_lsp.trainer.split import split
from slm_lsp.trainer.states import SavedState
from slm_lsp.trainer.train import put_to_use, train


def test_adapting_learns_and_leaves_a_model_that_completes(workshop: Workshop) -> None:
    report = train(workshop.request(), workshop.library, workshop.display())
    losses = report.metrics["losses"]
    assert losses["validation"] < losses["base_validation"]
    assert report.metrics["gap"] == pytest.approx(losses["validation"] - losses["train"])
    checkpoint = Checkpoint.open(report.folder)
    assert checkpoint.metrics["workspace"] == str(workshop.project.resolve())
    assert checkpoint.metrics["kind"] == "adapt"
    assert checkpoint.metrics["points"] >= ENOUGH
    assert checkpoint.metrics["base"]["points"] == checkpoint.metrics["trained"]["points"]
    assert checkpoint.gate["min_confidence"] == Checkpoint.open(TINY).gate["min_confidence"]
    assert len(checkpoint.gate["calibration"]) == 2
    Completer.load(report.folder).complete("import chromadb\n\nclient = chromadb.", "\n", path="a.py")
    assert len(report.samples) == 4
    assert not report.interrupted
    assert not SavedState(workshop.project.resolve(), "adapt").file.exists()


def test_the_better_model_is_used_and_the_other_is_not(workshop: Workshop) -> None:
    report = train(workshop.request(), workshop.library, workshop.display())
    assert report.base and report.trained
    assert report.in_use == report.trained.beats(report.base)
    assert (workshop.library.in_use(workshop.project) == report.name) == report.in_use
    assert [entry.in_use for entry in workshop.library.models()] == [report.in_use]


SCORES = Scores(100, 0.2, 0.5)


def verdict(better: bool) -> Verdict:
    return Verdict(SCORES, SCORES, better, "measured")


def test_a_worse_model_does_not_stay_in_use_by_its_name(workshop: Workshop) -> None:
    report = train(workshop.request(), workshop.library, workshop.display())
    assert put_to_use(workshop.request(), report.folder, verdict(True), workshop.library)[0]
    assert workshop.library.in_use(workshop.project) == report.name
    in_use, _, how = put_to_use(workshop.request(), report.folder, verdict(False), workshop.library)
    assert not in_use
    assert how == f"To use it anyway: slm-lsp models use {report.name}"
    assert workshop.library.in_use(workshop.project) is None


def test_a_model_written_elsewhere_is_never_put_to_use(workshop: Workshop) -> None:
    request = workshop.request(out=workshop.root / "models")
    in_use, _, how = put_to_use(request, workshop.root / "models" / "m", verdict(True), workshop.library)
    assert not in_use
    assert str(workshop.root / "models" / "m") in how


def test_a_phase_is_rebuilt_to_its_published_end_and_loads_from_its_file(workshop: Workshop) -> None:
    out = workshop.root / "models"
    report = train(workshop.request(phase=2, out=out), workshop.library, workshop.display())
    assert report.weights_file == out / "phase2_model.pt"
    model = TinyGPT.load(report.weights_file)
    assert model.config.parameters == report.metrics["parameters"]
    assert len(model.generate([464, 1332], 5)) == 5
    assert report.metrics["gap"] >= 0.17
    assert len(report.notes) == 1
    assert "was published with 5,002 tokens" in report.notes[0]
    assert report.metrics["tokens"] < 4502
    assert Checkpoint.open(report.folder).prompt == "prefix"
    assert workshop.library.models() == []
    shown = io.StringIO()
    show(report, Console(file=shown, width=100))
    assert "published" in shown.getvalue()
    assert "3.37M" in shown.getvalue()


def test_a_phase_takes_its_tokens_and_goes_to_the_library(workshop: Workshop) -> None:
    report = train(workshop.request(phase=1, seconds=0.5), workshop.library, workshop.display())
    assert report.metrics["tokens"] == 901
    assert report.weights_file == report.folder / "phase1_model.pt"
    assert [entry.name for entry in workshop.library.models()] == [report.name]
    assert "did not come to its published end" in report.notes[0]


def test_one_file_is_learned_and_not_judged(workshop: Workshop) -> None:
    for file in workshop.project.iterdir():
        if file.name != "catalogue.py":
            file.unlink()
    report = train(workshop.request(), workshop.library, workshop.display())
    assert not report.in_use
    assert "cannot be judged" in report.why
    assert math.isnan(report.metrics["losses"]["validation"])
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["losses"]["validation"] is None
    assert Checkpoint.open(report.folder).metrics["losses"]["validation"] is None
    show(report, Console(file=workshop.printed))
    assert "It is not in use" in workshop.printed.getvalue()


def test_what_is_left_out_is_named_and_a_bar_is_drawn(workshop: Workshop) -> None:
    (workshop.project / "binary.py").write_bytes(b"\0\0")
    (workshop.project / "copy.py").write_text((workshop.project / "desk.py").read_text())
    train(workshop.request(), workshop.library, workshop.display(terminal=True))
    printed = workshop.printed.getvalue()
    assert "left out: binary.py: binary" in printed
    assert "left out: desk.py: the same as copy.py" in printed
    assert "adapting the base model" in printed
    assert "tokens/s" in printed


def test_a_folder_that_is_no_model_is_never_replaced(workshop: Workshop) -> None:
    out = workshop.root / "models"
    precious = out / workshop.library.folder_for(workshop.project, "adapt").name / "thesis.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("years of work")
    with pytest.raises(TrainingError, match="is no model"):
        train(workshop.request(out=out), workshop.library, workshop.display())
    assert precious.read_text() == "years of work"


def test_a_missing_base_model_leaves_a_phase_unjudged(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLM_LSP_BASE", str(workshop.root / "nowhere"))
    report = train(workshop.request(phase=1, seconds=0.5), workshop.library, workshop.display())
    assert not report.in_use
    assert "no base model" in report.why


def test_few_points_judge_nothing_and_equal_models_are_no_better(workshop: Workshop) -> None:
    from slm_lsp.model.evaluation import choose

    held_out = split(workshop.request().repository.files).held_out
    points = choose(((file.path, file.text) for file in held_out), 30)
    assert len(points) == 30
    assert not judge(TINY, TINY, points[: ENOUGH - 1], {}).trained
    same = judge(TINY, TINY, points, {})
    assert same.base == same.trained
    assert not same.better
