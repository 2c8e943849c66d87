"""Each stage can be left out; a draft changes the time that a text takes and never the text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from doubles import PROGRAM, TINY
from slm_lsp.data import ROOT, base_checkpoint
from slm_lsp.model.completion import Completer, Stages
from slm_lsp.model.completion.completer import UNLIKELY
from slm_lsp.model.completion.decoding import Decoded, Decoder
from slm_lsp.model.completion.mixture import gate_of
from slm_lsp.model.completion.prompt import PromptBuilder
from slm_lsp.model.completion.vocabulary import Vocabulary
from slm_lsp.model.errors import ConfigError
from slm_lsp.model.memory import Memory
from slm_lsp.model.runtime.checkpoint import Checkpoint
from slm_lsp.model.runtime.engine import Engine

PROGRAMS = sorted((ROOT / "cookbook" / "clients").rglob("*.py"))
"""Real programs that use ChromaDB."""
Load = Callable[[Checkpoint], Engine]


def decoded(load: Load, *, drafts: bool) -> list[Decoded]:
    """What is decoded at every 331st character of a program, the other programs in memory."""
    checkpoint = Checkpoint.open(base_checkpoint())
    engine, vocabulary = load(checkpoint), Vocabulary(checkpoint.tokenizer())
    prompts = PromptBuilder(vocabulary, checkpoint.config, checkpoint.prompt)
    decoder = Decoder(engine, vocabulary, gate_of(checkpoint.gate.get("mixture")), drafts=drafts)
    memory = Memory(vocabulary.tokenizer)
    memory.learn([(path.name, path.read_text()) for path in PROGRAMS])
    found = []
    for path in PROGRAMS[:3]:
        text = path.read_text()
        for cut in range(200, len(text), 331):
            prompt = prompts.build(text[:cut], text[cut:], path.name)
            match = memory.matcher(path.name, text[:cut], text[cut:], prompt.stem)
            found.append(decoder.decode(engine.prefill(prompt.ids), prompt.stem, match=match))
    return found


def test_drafts_are_lossless_on_the_float_graph() -> None:
    plain, drafted = (decoded(Engine.float32_of, drafts=drafts) for drafts in (False, True))
    assert [one.text for one in drafted] == [one.text for one in plain]
    assert [len(one.taken) for one in drafted] == [len(one.taken) for one in plain]
    logs = [[taken.log for one in all_of for taken in one.taken] for all_of in (plain, drafted)]
    np.testing.assert_allclose(logs[1], logs[0], atol=1e-3)
    assert sum(one.passes for one in drafted) < 0.9 * sum(one.passes for one in plain)


def test_drafts_on_int8_differ_at_most_where_two_tokens_are_nearly_alike() -> None:
    plain, drafted = (decoded(Engine.load, drafts=drafts) for drafts in (False, True))
    same = sum(one.text == other.text for one, other in zip(plain, drafted, strict=True))
    assert same >= 0.97 * len(plain)


def test_without_healing_a_half_typed_word_is_what_the_tokens_make_of_it() -> None:
    cut = PROGRAM.index("self.collection.query") + len("self.collection.qu")
    healed = Completer.load(TINY).complete(PROGRAM[:cut], "\n", path="program.py")
    torn = Completer.load(TINY, stages=Stages(healing=False)).complete(PROGRAM[:cut], "\n", path="program.py")
    assert healed is not None and healed.text.startswith("ery(")
    assert torn is None or not torn.text.startswith("ery(")


def test_without_lines_a_block_is_one_line() -> None:
    cut = PROGRAM.index("count: int = 5) -> list[str]:\n        ") + len("count: int = 5) -> list[str]:\n        ")
    block = Completer.load(TINY).complete(PROGRAM[:cut], "\n", path="program.py")
    line = Completer.load(TINY, stages=Stages(lines=False)).complete(PROGRAM[:cut], "\n", path="program.py")
    assert block is not None and line is not None
    assert "\n" in block.text and block.text.split("\n")[0] == line.text


def test_without_fitting_what_stands_behind_the_cursor_is_written_again() -> None:
    cut = PROGRAM.index("self.collection.delete(") + len("self.collection.delete(")
    rest = PROGRAM[cut:].partition("\n")[0]
    fitted = Completer.load(TINY).complete(PROGRAM[:cut], ")\n", path="program.py")
    whole = Completer.load(TINY, stages=Stages(fitting=False)).complete(PROGRAM[:cut], ")\n", path="program.py")
    assert fitted is not None and whole is not None
    assert (whole.text, fitted.text) == (rest, rest.removesuffix(")"))


def test_without_names_a_text_is_as_likely_whatever_it_speaks_of() -> None:
    place = PROGRAM.index("self.collection.add(") + len("self.collection.add(")
    line = PROGRAM[:place].rpartition("\n")[2]
    with_, without = (
        Completer.load(TINY, stages=Stages(names=names, fitting=False, forks=False)) for names in (True, False)
    )
    for before, left in ((PROGRAM[:place], 1.0), (PROGRAM[: PROGRAM.index("    def add_note")] + line, UNLIKELY)):
        checked = with_.complete(before, "\n", path="program.py")
        blind = without.complete(before, "\n", path="program.py")
        assert checked is not None and blind is not None
        assert checked.text == blind.text
        assert checked.confidence == pytest.approx(left * blind.confidence)


def test_without_memory_the_model_is_alone() -> None:
    line = "zebra_crossing = quagga.herd(12, stripes=True)"
    found = []
    for stages in (Stages(), Stages(memory=False)):
        completer = Completer.load(base_checkpoint(), stages=stages)
        memory = Memory(completer.tokenizer)
        memory.learn([("other.py", f"import quagga\n\n\n{line}\n")])
        found.append(completer.complete("import quagga\n\n\nzebra_cr", "\n", path="a.py", memory=memory))
    remembered, alone = found
    assert remembered is not None
    assert (remembered.text, remembered.source) == (line.removeprefix("zebra_cr"), ("other.py", 4))
    assert alone is None or (alone.text != remembered.text and alone.source is None)


def test_a_stage_that_does_not_exist_is_named() -> None:
    assert Stages.without(["drafts", "memory"]) == Stages(drafts=False, memory=False)
    with pytest.raises(ConfigError, match=r"no stage 'draft', only memory, drafts"):
        Stages.without(["draft"])
