"""Reading a repository: what counts as its source, what is left out and said so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slm_lsp.model.errors import WorkspaceError
from slm_lsp.model.repository import MAX_BYTES, read_repository


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def paths(root: Path) -> list[str]:
    return [file.path for file in read_repository(root).files]


def reasons(root: Path) -> dict[str, str]:
    return {skipped.path: skipped.reason for skipped in read_repository(root).skipped}


def test_environments_builds_and_caches_are_no_source(tmp_path: Path) -> None:
    outside = (
        ".venv/a",
        "venv/b",
        "lib/site-packages/c",
        "node_modules/d",
        "build/e",
        "dist/f",
        ".git/g",
        "x.egg-info/h",
    )
    files: dict[str, str | bytes] = {f"{name}.py": f"x = '{name}'\n" for name in outside}
    files |= {"env/pyvenv.cfg": "", "env/i.py": "x = 9\n", "app/main.py": "x = 1\n", "app/notes.txt": "x"}
    assert paths(write(tmp_path, files)) == ["app/main.py"]
    assert reasons(tmp_path) == {}


def test_gitignore_is_obeyed_where_it_lies(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".gitignore": "generated/\n*_local.py\n",
            "generated/a.py": "a = 1\n",
            "b_local.py": "b = 1\n",
            "app/.gitignore": "secret.py\n!kept_local.py\n",
            "app/secret.py": "c = 1\n",
            "app/kept_local.py": "d = 1\n",
            "secret.py": "e = 1\n",
        },
    )
    assert paths(tmp_path) == ["app/kept_local.py", "secret.py"]


def test_what_cannot_be_learned_from_is_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "binary.py": b"x = 1\0\n",
            "broken.py": b"name = '\xe9\xff'\n",
            "data.py": "x = 1\n" * (MAX_BYTES // 6 + 1),
            "good.py": "x = 1\n",
            "twin.py": "x = 1\r\n",
            "empty.py": "\n",
        },
    )
    assert paths(tmp_path) == ["good.py"]
    found = reasons(tmp_path)
    assert set(found) == {"binary.py", "broken.py", "data.py", "twin.py"}
    assert found["binary.py"] == "binary"
    assert "UTF-8" in found["broken.py"]
    assert found["data.py"] == "larger than 1 MB"
    assert found["twin.py"] == "the same as good.py"


def test_declared_encodings_and_byte_order_marks_are_understood(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"old.py": "# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"), "bom.py": b"\xef\xbb\xbfx = 1\n"},
    )
    texts = {file.path: file.text for file in read_repository(tmp_path).files}
    assert texts["bom.py"] == "x = 1\n"
    assert "'é'" in texts["old.py"]


def test_links_are_not_followed_out_of_the_tree(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"secret.py": "key = 1\n", "more/other.py": "key = 2\n"})
    root = write(tmp_path / "project", {"main.py": "x = 1\n"})
    (root / "linked.py").symlink_to(outside / "secret.py")
    (root / "folder").symlink_to(outside / "more")
    (root / "loop").symlink_to(root)
    assert paths(root) == ["main.py"]
    assert reasons(root) == {"linked.py": "a link that leads out of the folder"}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_and_folders_are_named(tmp_path: Path) -> None:
    write(tmp_path, {"locked.py": "x = 1\n", "shut/a.py": "x = 2\n", "open.py": "x = 3\n"})
    (tmp_path / "locked.py").chmod(0)
    (tmp_path / "shut").chmod(0)
    try:
        assert paths(tmp_path) == ["open.py"]
        assert set(reasons(tmp_path)) == {"locked.py", "shut/"}
    finally:
        (tmp_path / "shut").chmod(0o755)


@pytest.mark.parametrize(
    ("name", "message"), [("nowhere", "no such folder"), ("a.txt", "is a file"), ("empty", "no Python files in")]
)
def test_a_path_without_python_is_an_error(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(WorkspaceError, match=message):
        read_repository(tmp_path / name)


def test_the_error_says_what_was_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"binary.py": b"\0"})
    with pytest.raises(WorkspaceError, match=r"1 left out, the first: binary\.py: binary"):
        read_repository(tmp_path)


def test_a_link_in_a_circle_is_named_and_skipped(tmp_path: Path) -> None:
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "good.py").write_text("print('good')\n")
    repository = read_repository(tmp_path)
    assert [file.path for file in repository.files] == ["good.py"]
    assert [skipped.path for skipped in repository.skipped] == ["loop.py"]
