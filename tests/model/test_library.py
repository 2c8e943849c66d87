"""The library: names, choices by real path, damage, removal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from doubles import tiny_checkpoint
from hostile import Victim
from slm_lsp.model.errors import CheckpointMissing, WorkspaceError
from slm_lsp.model.library import HOME_VARIABLE, ModelLibrary


@pytest.fixture
def library(tmp_path: Path) -> ModelLibrary:
    return ModelLibrary(tmp_path / "home")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "my-project"
    (folder / "app").mkdir(parents=True)
    return folder


def trained(library: ModelLibrary, workspace: Path, kind: str = "adapt") -> str:
    folder = library.folder_for(workspace, kind)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return tiny_checkpoint(folder).name


def test_the_environment_says_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "elsewhere"))
    assert ModelLibrary().root == tmp_path / "elsewhere"
    monkeypatch.delenv(HOME_VARIABLE)
    assert ModelLibrary().root.name == "slm-lsp"


def test_folders_are_named_after_the_workspace_and_told_apart_by_its_path(
    library: ModelLibrary, project: Path, tmp_path: Path
) -> None:
    folder = library.folder_for(project, "adapt")
    assert re.fullmatch(r"my-project-adapt-[0-9a-f]{4}", folder.name)
    assert not folder.exists()
    assert library.folder_for(project, "adapt") == folder
    assert library.folder_for(project / "app" / "..", "adapt") == folder
    assert library.folder_for(tmp_path / "other" / "my-project", "adapt") != folder
    assert library.folder_for(Path("/"), "adapt").name.startswith("root-adapt-")


def test_an_empty_library_has_nothing_and_says_so(library: ModelLibrary, project: Path) -> None:
    assert library.models() == []
    assert library.in_use(project) is None
    assert library.size() == library.clean() == 0
    with pytest.raises(CheckpointMissing, match="none has been trained yet"):
        library.find("any")


def test_a_choice_holds_for_everything_below_the_nearest_folder(library: ModelLibrary, project: Path) -> None:
    outer, inner = trained(library, project), trained(library, project / "app")
    library.use(project, outer)
    assert library.in_use(project) == outer
    assert library.in_use(project / "app" / "not_yet_written.py") == outer
    assert library.in_use(project.parent) is None
    library.use(project / "app", inner)
    assert library.in_use(project / "app" / "a.py") == inner
    assert library.in_use(project / "a.py") == outer


@pytest.mark.parametrize("back", [None, "base"])
def test_back_to_the_base_even_inside_a_trained_folder(library: ModelLibrary, project: Path, back: str | None) -> None:
    library.use(project, trained(library, project))
    library.use(project / "app", back)
    assert library.in_use(project / "app" / "a.py") is None
    assert library.in_use(project / "a.py") is not None


def test_a_workspace_is_known_by_its_real_path(library: ModelLibrary, project: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(project, target_is_directory=True)
    name = trained(library, link)
    library.use(link, name)
    assert library.in_use(project / "a.py") == name
    assert library.in_use(link / "a.py") == name


def test_what_cannot_be_used_is_refused(library: ModelLibrary, project: Path) -> None:
    name = trained(library, project)
    with pytest.raises(CheckpointMissing, match=f"'nameless'; there are: {name}"):
        library.use(project, "nameless")
    with pytest.raises(CheckpointMissing):
        library.use(project, f"../models/{name}")
    with pytest.raises(WorkspaceError, match="not a folder"):
        library.use(project / "nowhere", name)


def test_the_list_tells_origin_use_and_damage(library: ModelLibrary, project: Path) -> None:
    used, idle = trained(library, project, "phase3"), trained(library, project, "adapt")
    library.use(project, used)
    (library.find(idle) / "config.json").write_text("{")
    (library.root / "models" / ".half-written").mkdir()
    entries = {entry.name: entry for entry in library.models()}
    assert list(entries) == sorted([idle, used])
    assert entries[used].in_use and entries[used].damaged is None
    assert not entries[idle].in_use and "config.json" in str(entries[idle].damaged)


def test_workspace_and_date_come_from_the_metrics(library: ModelLibrary, project: Path) -> None:
    folder = library.find(trained(library, project))
    metrics = folder / "metrics.json"
    figures = {
        **json.loads(metrics.read_text()),
        "workspace": str(project),
        "created": "2025-01-02T03:04:05Z",
    }
    metrics.write_text(json.dumps(figures))
    config = json.loads((folder / "config.json").read_text())
    config["files"]["metrics.json"] = _sha256(metrics)
    (folder / "config.json").write_text(json.dumps(config))
    [entry] = library.models()
    assert (entry.workspace, entry.created) == (project, "2025-01-02T03:04:05Z")


def test_a_removed_model_is_no_longer_in_use(library: ModelLibrary, project: Path) -> None:
    name = trained(library, project)
    library.use(project, name)
    library.remove(name)
    assert library.models() == []
    assert library.in_use(project) is None
    with pytest.raises(CheckpointMissing):
        library.remove(name)


@pytest.mark.parametrize("rubbish", ["", "{", "[]", '{"workspace": 3, "model": "a"}', '{"workspace": "/"}'])
def test_an_unreadable_choice_is_no_choice(library: ModelLibrary, project: Path, rubbish: str) -> None:
    library.use(project, trained(library, project))
    [record] = (library.root / "workspaces").iterdir()
    record.write_text(rubbish)
    assert library.in_use(project) is None
    assert len(library.models()) == 1


def test_clean_frees_what_it_says_and_nothing_else(library: ModelLibrary, project: Path) -> None:
    library.use(project, trained(library, project))
    (library.root / "notes.txt").write_text("mine")
    size = library.size()
    assert size > 10_000
    assert library.clean() == size
    assert [path.name for path in library.root.iterdir()] == ["notes.txt"]


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_workspace_with_a_dot_has_a_model_that_can_be_found(tmp_path: Path) -> None:
    library = ModelLibrary(tmp_path / "home")
    workspace = tmp_path / ".dotted"
    workspace.mkdir()
    folder = tiny_checkpoint(library.folder_for(workspace, "adapt"))
    library.use(workspace, folder.name)
    assert library.in_use(workspace) == folder.name


def test_strange_things_among_the_models_are_no_trouble(library: ModelLibrary, project: Path) -> None:
    folder = library.root / "models" / "odd"
    victim = Victim(folder)
    victim.forge("metrics.json", json.dumps({"workspace": 3, "created": ["now"]}).encode())
    (folder.parent / "file").touch()
    (folder.parent / "empty").mkdir()
    (folder.parent / "new\nline").mkdir()
    (folder.parent / "dangling").symlink_to("nowhere")
    entries = {entry.name: entry for entry in library.models()}
    assert sorted(entries) == ["empty", "new\nline", "odd"]
    assert entries["odd"].damaged is None and entries["odd"].workspace is None
    assert "no model here" in str(entries["empty"].damaged)
    library.use(project, "odd")
    library.remove("empty")
    assert library.in_use(project) == "odd"
