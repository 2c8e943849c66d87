"""Packs: what is written is read back, only the right splits go in, damage is found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from archives import code

from slm_lsp.data import vocabulary
from slm_lsp.model.errors import CorpusError
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.corpus.compact import compact_pack, expand
from slm_lsp.trainer.corpus.fim import FimRecipe
from slm_lsp.trainer.corpus.manifest import Split
from slm_lsp.trainer.corpus.pack import GROUPS, VALIDATION, Pack, read_pack, write_pack
from slm_lsp.trainer.corpus.select import SourceFile

TOKENIZER = Tokenizer.from_file(vocabulary("chroma8k"))
END = TOKENIZER.special("end")


def source(name: str, split: Split = "train", *, chroma: bool = False) -> SourceFile:
    return SourceFile("demo", split, f"demo/{name}.py", code(name, chroma=chroma), chroma)


TRAIN = [*(source(f"plain_{n}") for n in "abcdef"), source("vectors", chroma=True)]
TUNE = [source("tuned", "tune"), source("tuned_vectors", "tune", chroma=True)]


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return write_pack(TRAIN, TUNE, TOKENIZER, tmp_path / "packed", about={"manifest_sha256": "ab"})


def test_the_groups_hold_their_files(pack: Pack) -> None:
    chroma = TOKENIZER.decode(pack.groups["chroma"].tolist())
    general = TOKENIZER.decode(pack.groups["general"].tolist())
    assert set(pack.groups) == set(GROUPS)
    assert "vectors" in chroma and "plain_" not in chroma
    assert all(f"demo/plain_{n}.py" in general for n in "abcdef") and "chromadb" not in general
    assert "tuned" not in chroma + general
    assert pack.groups["general"].dtype == np.uint16


def test_all_of_a_project_around_chromadb_is_trained_on_as_chromadb_code(tmp_path: Path) -> None:
    project = replace(source("of_a_project"), project=True)
    pack = write_pack([*TRAIN, project], TUNE, TOKENIZER, tmp_path / "packed")
    assert "of_a_project" in TOKENIZER.decode(pack.groups["chroma"].tolist())
    assert "of_a_project" not in TOKENIZER.decode(pack.groups["general"].tolist())


def test_the_validation_arrays_count_their_bytes(pack: Pack) -> None:
    assert set(pack.validation) == set(pack.validation_bytes) == set(VALIDATION)
    text = f"{TUNE[1].path}\n{TUNE[1].text}"
    assert TOKENIZER.decode(pack.validation["chroma"].tolist()) == text
    assert pack.validation_bytes["chroma"] == len(text.encode())
    middle = TOKENIZER.special("fim_middle")
    assert middle not in pack.validation["chroma"]
    assert middle not in pack.validation["general"]
    assert middle in pack.validation["fim"]


def test_the_pack_says_what_it_was_made_from(pack: Pack) -> None:
    assert pack.tokenizer_sha256 == TOKENIZER.sha256
    assert pack.meta["manifest_sha256"] == "ab"
    assert pack.meta["recipe"]["share"] == 0.15
    assert pack.meta["arrays"]["general"]["files"] == 6
    assert pack.meta["arrays"]["general"]["tokens"] == len(pack.groups["general"])


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    def written(name: str, seed: int) -> list[bytes]:
        recipe = FimRecipe(seed=seed, share=0.5, piece_tokens=(20, 40))
        folder = write_pack(TRAIN, TUNE, TOKENIZER, tmp_path / name, recipe=recipe).folder
        return [path.read_bytes() for path in sorted(folder.iterdir())]

    assert written("one", 3) == written("two", 3)
    assert written("one", 3) != written("three", 4)


def test_other_splits_are_refused(tmp_path: Path) -> None:
    for split in ("tune", "test", "adapt"):
        wrong = replace(TRAIN[0], split=split)
        with pytest.raises(CorpusError, match=rf"only .* train .* demo \({split}\)"):
            write_pack([*TRAIN, wrong], TUNE, TOKENIZER, tmp_path / "packed")
    for split in ("train", "test", "adapt"):
        wrong = replace(TRAIN[0], split=split)
        with pytest.raises(CorpusError, match=rf"only .* tune .* demo \({split}\)"):
            write_pack(TRAIN, [*TUNE, wrong], TOKENIZER, tmp_path / "packed")
    assert list(tmp_path.iterdir()) == []


def test_a_vocabulary_too_large_for_sixteen_bits_is_refused(tmp_path: Path) -> None:
    class Large(Tokenizer):
        def __init__(self) -> None:
            self.vocab_size = 65_537

    with pytest.raises(CorpusError, match="65537 tokens"):
        write_pack(TRAIN, TUNE, Large(), tmp_path / "packed")


def test_a_pack_without_a_group_can_be_read(tmp_path: Path) -> None:
    pack = write_pack(TRAIN[:2], TUNE[:1], TOKENIZER, tmp_path / "packed")
    assert len(pack.groups["chroma"]) == pack.validation_bytes["chroma"] == 0


def test_packing_again_replaces_the_pack(pack: Pack) -> None:
    again = write_pack(TRAIN[:1], TUNE, TOKENIZER, pack.folder)
    assert again.meta["arrays"]["general"]["files"] == 1
    assert [path.name for path in pack.folder.parent.iterdir()] == [pack.folder.name]


def test_a_folder_that_is_no_pack_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years")
    with pytest.raises(CorpusError, match="something else"):
        write_pack(TRAIN, TUNE, TOKENIZER, folder)
    assert (folder / "thesis.tex").read_text() == "years"


def test_an_interrupted_pack_leaves_the_old_one(pack: Pack) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pack(TRAIN[:1], TUNE, TOKENIZER, pack.folder, on_file=interrupt)
    assert read_pack(pack.folder).meta["arrays"]["general"]["files"] == 6
    assert [path.name for path in pack.folder.parent.iterdir()] == [pack.folder.name]


def test_damage_is_found(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere"):
        read_pack(tmp_path / "nowhere")
    path = pack.folder / "general.bin"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(CorpusError, match=r"general\.bin"):
        read_pack(pack.folder)
    (pack.folder / "meta.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(CorpusError, match="another format"):
        read_pack(pack.folder)


def test_a_compact_pack_holds_all_when_it_fits(pack: Pack, tmp_path: Path) -> None:
    done = compact_pack(pack, tmp_path / "pack.xz", max_bytes=1_000_000)
    assert done.general_tokens == done.general_total == len(pack.groups["general"])
    assert done.size == (tmp_path / "pack.xz").stat().st_size
    again = expand(tmp_path / "pack.xz", tmp_path / "again")
    for name in GROUPS:
        assert np.array_equal(again.groups[name], pack.groups[name])
    for name in VALIDATION:
        assert np.array_equal(again.validation[name], pack.validation[name])
    assert again.validation_bytes == pack.validation_bytes


def test_a_compact_pack_leaves_out_what_does_not_fit(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    pack = write_pack(TRAIN, TUNE, TOKENIZER, tmp_path / "packed")
    noise = generator.integers(16, 8_192, 3_000_000, dtype=np.uint16)  # does not compress
    large = replace(pack, groups={**pack.groups, "general": noise})
    done = compact_pack(large, tmp_path / "pack.xz", max_bytes=2_000_000)
    assert 0 < done.general_tokens < len(noise)
    assert done.size <= 2_000_000
    again = expand(tmp_path / "pack.xz", tmp_path / "again")
    assert np.array_equal(again.groups["general"], noise[: done.general_tokens])
    assert np.array_equal(again.groups["chroma"], pack.groups["chroma"])
    with pytest.raises(CorpusError, match="more than 100"):
        compact_pack(large, tmp_path / "small.xz", max_bytes=100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "pack.xz", "packed"]


def test_a_damaged_compact_pack_is_named(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "pack.xz"
    compact_pack(pack, path, max_bytes=1_000_000)
    whole = path.read_bytes()
    for content in (b"", b"not xz", whole[:-30], whole[:40]):
        path.write_bytes(content)
        with pytest.raises(CorpusError, match=r"pack\.xz"):
            expand(path, tmp_path / "again")
