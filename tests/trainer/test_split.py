"""Files set aside: whole, disjoint, stable, and enough left to learn from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slm_lsp.model.repository import SourceFile
from slm_lsp.trainer.split import Parts, split

SIZES = st.lists(st.integers(1, 60_000), min_size=1, max_size=25)


def files(sizes: list[int], chroma: int = 0) -> list[SourceFile]:
    return [
        SourceFile(f"f{number}.py", ("import chromadb\n" if number < chroma else "") + "x" * size)
        for number, size in enumerate(sizes)
    ]


def size(part: tuple[SourceFile, ...]) -> int:
    return sum(len(file.text) for file in part)


@given(SIZES, st.integers(0, 5))
def test_every_file_is_in_exactly_one_part(sizes: list[int], seed: int) -> None:
    given_files = files(sizes)
    parts = split(given_files, seed)
    whole = [*parts.train, *parts.validation, *parts.held_out]
    assert sorted(whole, key=lambda file: file.path) == sorted(given_files, key=lambda file: file.path)
    assert parts.train
    assert bool(parts.held_out) == (len(sizes) > 1)
    assert bool(parts.validation) == (len(sizes) > 2)


def test_a_file_alone_is_learned_from_and_nothing_judges() -> None:
    assert split(files([500])) == Parts(tuple(files([500])), (), ())


def test_a_tenth_or_so_of_the_text_judges() -> None:
    parts = split(files([2000] * 60))
    total = size(parts.train) + size(parts.validation) + size(parts.held_out)
    assert 0.10 <= size(parts.held_out) / total <= 0.15
    assert 0.07 <= size(parts.validation) / total <= 0.12


def test_files_too_short_to_ask_in_or_too_large_to_spare_are_learned_from() -> None:
    parts = split(files([50] * 5 + [100_000] + [3000] * 5))
    assert {len(file.text) for file in (*parts.held_out, *parts.validation)} == {3000}


def test_a_file_that_uses_chromadb_judges_where_there_are_some() -> None:
    for seed in range(10):
        parts = split(files([2000] * 40, chroma=4), seed)
        assert any("import chromadb" in file.text for file in parts.held_out)


def test_the_split_hangs_on_the_seed_and_not_on_the_text() -> None:
    before = split(files([2000] * 40), seed=1)
    edited = [SourceFile(file.path, file.text[:-7] + "changed") for file in files([2000] * 40)]
    assert [file.path for file in split(edited, seed=1).held_out] == [file.path for file in before.held_out]
    assert split(files([2000] * 40), seed=2) != before
