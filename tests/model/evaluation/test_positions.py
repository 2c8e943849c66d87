"""Point files: positions come back as the points they were made from, and other files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles import PROGRAM
from slm_lsp.data import point_file
from slm_lsp.model.errors import CorpusError
from slm_lsp.model.evaluation import KINDS, choose
from slm_lsp.model.evaluation.positions import points_at, position_of, read_positions, write_positions


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "shelves").mkdir()
    (tmp_path / "shelves" / "program.py").write_bytes(PROGRAM.encode())
    return tmp_path


def test_positions_lead_back_to_the_same_points(root: Path) -> None:
    points = choose([("program.py", PROGRAM)], 30)
    write_positions(root / "points.tsv", [position_of("shelves", point) for point in points])
    positions = read_positions(root / "points.tsv")
    assert points_at(positions, root) == {"shelves": points}
    assert not any(line.strip() and line in (root / "points.tsv").read_text() for line in PROGRAM.splitlines())


def test_another_version_of_a_file_is_refused(root: Path) -> None:
    positions = [position_of("shelves", point) for point in choose([("program.py", PROGRAM)], 3)]
    (root / "shelves" / "program.py").write_text(PROGRAM + "\n")
    with pytest.raises(CorpusError, match=r"program\.py is not the file"):
        points_at(positions, root)
    (root / "shelves" / "program.py").unlink()
    with pytest.raises(CorpusError, match=r"program\.py cannot be read"):
        points_at(positions, root)


def test_a_damaged_point_file_is_named_with_its_line(root: Path) -> None:
    file = root / "points.tsv"
    file.write_text("package\tpath\tkind\toffset\tlength\tchroma\tsha256\nshelves\ta.py\tmid_word\tfour\t1\t0\tabc\n")
    with pytest.raises(CorpusError, match="line 2"):
        read_positions(file)
    with pytest.raises(CorpusError, match="cannot be read"):
        read_positions(root / "none.tsv")


@pytest.mark.parametrize(("split", "packages"), [("tune", 6), ("test", 7)])
def test_the_committed_point_files_have_every_kind_and_at_most_110_a_package(split: str, packages: int) -> None:
    positions = read_positions(point_file(split))
    counts = {name: sum(at.package == name for at in positions) for name in {at.package for at in positions}}
    assert len(counts) == packages
    assert max(counts.values()) <= 110
    assert {at.kind for at in positions} == set(KINDS)
