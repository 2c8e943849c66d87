"""Near duplicates and shared windows: the fast search finds what a comparison of all pairs finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_lsp.trainer.corpus.windows import Windows, contaminated, line_windows, near_duplicates, shared


def lines(*names: str) -> str:
    return "".join(f"{name}\n" for name in names)


def test_windows_ignore_indentation_and_blank_lines() -> None:
    assert line_windows("a\nb\nc\nd\ne\n").tolist() == line_windows("  a\n\n\tb\nc  \n\n d\r\ne").tolist()
    assert len(line_windows(lines(*"abcde"))) == 2
    assert len(line_windows(lines(*"aaaaaa"))) == 1
    assert len(line_windows("a\nb")) == len(line_windows("a")) == 1
    assert len(line_windows(" \n\n")) == len(line_windows("")) == 0


def test_the_order_of_lines_counts() -> None:
    assert shared(line_windows(lines(*"abcd")), line_windows(lines(*"abdc"))) == 0
    assert shared(line_windows(lines(*"abcdx")), line_windows(lines(*"yabcd"))) == 1


def test_a_file_with_one_line_changed_is_a_near_duplicate() -> None:
    names = [f"line_{n}" for n in range(40)]
    changed = [*names[:-1], "another"]
    different = [f"other_{n}" for n in range(40)]
    files = [line_windows(lines(*f)) for f in (names, different, changed, names)]
    assert near_duplicates(files) == [2, 3]
    assert near_duplicates(files, threshold=1.0) == [3]
    assert near_duplicates([]) == []


def _jaccard(one: Windows, other: Windows) -> float:
    union = len(one) + len(other) - shared(one, other)
    return shared(one, other) / union if union else 0.0


@given(st.lists(st.sets(st.integers(0, 12)), max_size=12), st.sampled_from([0.3, 0.5, 0.7, 1.0]))
@settings(max_examples=300, deadline=None)
def test_the_search_is_exact(sets: list[set[int]], threshold: float) -> None:
    files = [np.array(sorted(numbers), dtype=np.uint64) for numbers in sets]
    kept: list[int] = []
    for index, windows in enumerate(files):
        if all(_jaccard(files[other], windows) < threshold for other in kept):
            kept.append(index)
    assert near_duplicates(files, threshold) == [n for n in range(len(files)) if n not in kept]


def test_a_third_shared_with_one_held_out_file_is_contamination() -> None:
    held_out = [line_windows(lines(*"ABCDEFG")), line_windows(lines(*"HIJKLMN"))]
    clean = lines(*(f"x{n}" for n in range(10)))
    with_share = [
        lines(*"HIJKLMN", *(f"y{n}" for n in range(6))),  # 4 of 10 windows
        lines(*"HIJKL", *(f"z{n}" for n in range(8))),  # 2 of 10
        lines(*"ABCDE", *"HIJKL", *(f"w{n}" for n in range(3))),  # 2 of 10 in each of two files
    ]
    files = [line_windows(text) for text in (clean, *with_share)]
    assert contaminated(files, held_out) == {1: 1}
    assert contaminated(files, []) == contaminated([], held_out) == {}
    assert contaminated([line_windows("")], [line_windows("")]) == {}
