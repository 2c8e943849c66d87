"""The model choice: settings before workspaces before the base, noticed without a restart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from doubles import tiny_checkpoint
from slm_lsp.data import BASE_VARIABLE
from slm_lsp.model.errors import CheckpointError, CheckpointMissing
from slm_lsp.model.library import ModelLibrary
from slm_lsp.server.choice import Choice, ModelChoice, choose, find_model, load_completer


@dataclass
class House:
    """A library, a base model, a workspace, and a clock that a test moves."""

    library: ModelLibrary
    workspace: Path
    base: Path
    now: float = 100.0

    def trained(self, kind: str = "adapt") -> str:
        folder = tiny_checkpoint(self.library.folder_for(self.workspace, kind))
        self.library.use(self.workspace, folder.name)
        return folder.name

    def choice(self) -> ModelChoice:
        return ModelChoice(self.library, clock=lambda: self.now)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    base = tiny_checkpoint(tmp_path / "shipped")
    monkeypatch.setenv(BASE_VARIABLE, str(base))
    workspace = tmp_path / "project"
    workspace.mkdir()
    (tmp_path / "home" / "models").mkdir(parents=True)
    return House(ModelLibrary(tmp_path / "home"), workspace, base)


def damage(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def test_the_setting_comes_first_then_the_workspace_then_the_base(house: House) -> None:
    inside = house.workspace / "app" / "a.py"
    assert choose(inside, "auto", house.library).name == "base"
    name = house.trained()
    assert choose(inside, "auto", house.library).name == name
    assert choose(inside, "base", house.library).name == "base"
    assert choose(inside, "other", house.library).name == "other"
    assert choose(None, "auto", house.library).name == "base"
    assert choose(house.workspace.parent / "b.py", "auto", house.library).name == "base"


def test_models_are_found_by_name_and_by_folder(house: House) -> None:
    name = house.trained()
    assert find_model(name, house.library) == house.library.folder_for(house.workspace, "adapt")
    assert find_model(str(house.base), house.library) == house.base
    assert find_model("base", house.library) == house.base
    with pytest.raises(CheckpointMissing, match=name):
        find_model("nameless", house.library)


def test_the_base_that_ships_is_the_default(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from slm_lsp.data import base_checkpoint

    monkeypatch.delenv(BASE_VARIABLE)
    assert find_model("base", house.library) == base_checkpoint()


def test_a_model_is_loaded_once(house: House) -> None:
    choice = house.choice()
    first = choice.completer_for(house.workspace, "auto", 1)
    house.now += 10
    assert choice.completer_for(house.workspace / "a.py", "auto", 1) is first
    assert choice.completer_for(house.workspace / "a.py", "auto", 2) is not first
    assert choice.last == Choice("base", "no trained model is in use here")


def test_a_model_put_to_use_is_taken_up_within_a_second(house: House) -> None:
    choice = house.choice()
    file = house.workspace / "a.py"
    base = choice.completer_for(file, "auto", 1)
    name = house.trained()
    house.now += 0.9
    assert choice.completer_for(file, "auto", 1) is base
    house.now += 0.2
    assert choice.completer_for(file, "auto", 1) is not base
    assert choice.last == Choice(name, "in use for this workspace")
    house.library.use(house.workspace, "base")
    house.now += 1.1
    assert choice.completer_for(file, "auto", 1) is base


def test_a_model_trained_again_is_loaded_again(house: House) -> None:
    name = house.trained()
    choice = house.choice()
    before = choice.completer_for(house.workspace, "auto", 1)
    metrics = house.library.find(name) / "metrics.json"
    metrics.touch()
    house.now += 1.1
    assert choice.completer_for(house.workspace, "auto", 1) is not before


def test_a_damaged_model_is_named_and_the_base_serves_meanwhile(house: House) -> None:
    name = house.trained()
    folder = house.library.find(name)
    whole = (folder / "model.safetensors").read_bytes()
    damage(folder)
    choice = house.choice()
    choice.completer_for(house.workspace, "auto", 1)
    assert choice.last == Choice("base", f"{name} cannot be used")
    assert "model.safetensors" in choice.errors[name]
    (folder / "model.safetensors").write_bytes(whole)
    house.now += 1.1
    choice.completer_for(house.workspace, "auto", 1)
    assert choice.last.name == name
    assert choice.errors == {}


def test_a_model_that_is_not_there_is_named_and_the_base_serves(house: House) -> None:
    choice = house.choice()
    choice.completer_for(house.workspace, "nameless", 1)
    assert choice.last == Choice("base", "nameless cannot be used")
    assert "nameless" in choice.errors["nameless"]


def test_without_any_sound_model_there_is_an_error_each_time(house: House) -> None:
    damage(house.base)
    choice = house.choice()
    for _ in range(3):
        with pytest.raises(CheckpointError, match=r"model\.safetensors"):
            choice.completer_for(house.workspace, "auto", 1)
        house.now += 1.1
    assert choice.last is None
    assert list(choice.errors) == ["base"]


def test_a_damaged_model_is_read_once_while_it_stays_the_same(house: House) -> None:
    damage(house.base)
    loads: list[Path] = []

    def load(folder: Path, threads: int):  # type: ignore[no-untyped-def]
        loads.append(folder)
        return load_completer(folder, threads)

    choice = ModelChoice(house.library, load=load, clock=lambda: house.now)
    for _ in range(5):
        with pytest.raises(CheckpointError):
            choice.completer_for(house.workspace, "auto", 1)
        house.now += 1.1
    assert loads == [house.base]


def test_the_old_model_is_gone_before_the_new_one_is_loaded(house: House) -> None:
    import gc
    import weakref

    models: list[weakref.ref[object]] = []
    alive: list[int] = []

    def load(folder: Path, threads: int):  # type: ignore[no-untyped-def]
        gc.collect()
        alive.append(sum(model() is not None for model in models))
        completer = load_completer(folder, threads)
        models.append(weakref.ref(completer))
        return completer

    choice = ModelChoice(house.library, load=load, clock=lambda: house.now)
    choice.completer_for(house.workspace, "auto", 1)
    choice.completer_for(house.workspace, "auto", 2)
    (house.base / "metrics.json").touch()
    house.now += 1.1
    choice.completer_for(house.workspace, "auto", 2)
    assert alive == [0, 0, 0]


def test_it_tells_when_it_is_loading(house: House) -> None:
    told: list[bool] = []

    def load(folder: Path, threads: int):  # type: ignore[no-untyped-def]
        told.append(choice.is_loading)
        return load_completer(folder, threads)

    choice = ModelChoice(house.library, load=load, clock=lambda: house.now)
    assert choice.is_loading, "nothing is loaded yet"
    choice.completer_for(house.workspace, "auto", 1)
    assert not choice.is_loading
    house.now += 1.1
    choice.completer_for(house.workspace, "auto", 2)
    damage(house.base)
    house.now += 1.1
    with pytest.raises(CheckpointError):
        choice.completer_for(house.workspace, "auto", 2)
    assert told == [True, True, True]
    assert not choice.is_loading


def test_at_most_two_models_stay_in_memory(house: House) -> None:
    import gc
    import weakref

    choice = house.choice()
    names = ["base", house.trained("adapt"), house.trained("phase3")]
    models = [weakref.ref(choice.completer_for(None, name, 1)) for name in names]
    gc.collect()
    assert [model() is not None for model in models] == [False, True, True]
