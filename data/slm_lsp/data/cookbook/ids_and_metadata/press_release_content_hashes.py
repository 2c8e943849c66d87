"""Give press releases ids made of their content, so that ingesting twice changes nothing.

The id is a hash of the normalised text: white space, typographic quotes and capitals in the headline
do not make a new release.  Comparing the set of ids of a folder with the set in the collection then
tells what is new, what stayed, what went and, by the file name in the metadata, what was edited.
"""

import hashlib
import re
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import chromadb

ID_BYTES = 10  # 80 bits: a collision is not to be expected among billions of releases


def normalise(text: str) -> str:
    """What counts as the same text.  Change this and every id changes, so it has a version."""
    text = unicodedata.normalize("NFKC", text)
    text = text.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-"})
    headline, _, body = text.strip().partition("\n")
    return re.sub(r"\s+", " ", f"{headline.casefold()}\n{body}").strip()


def content_id(text: str) -> str:
    digest = hashlib.blake2b(normalise(text).encode("utf-8"), digest_size=ID_BYTES, person=b"press-v1")
    return f"pr1-{digest.hexdigest()}"


def word_lengths(text: str) -> list[float]:
    """A toy vector: how many words of one letter, two letters ... ten and more."""
    counts = [0.0] * 10
    for word in re.findall(r"\w+", text):
        counts[min(len(word), 10) - 1] += 1
    return counts


@dataclass(frozen=True)
class FolderDiff:
    new: frozenset[str]
    kept: frozenset[str]
    gone: frozenset[str]
    edited: frozenset[str]  # file names whose content changed
    duplicates: tuple[tuple[str, str], ...]


def sync_folder(folder: Path, releases: chromadb.Collection) -> FolderDiff:
    texts: dict[str, str] = {}
    names: dict[str, str] = {}
    duplicates = []
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        key = content_id(text)
        if key in names:  # the same release under two names: keep the first
            duplicates.append((names[key], path.name))
            continue
        texts[key], names[key] = text, path.name

    stored = releases.get(include=["metadatas"])
    old_names = {key: facts["file"] for key, facts in zip(stored["ids"], stored["metadatas"])}
    new, gone = names.keys() - old_names.keys(), old_names.keys() - names.keys()
    edited = {names[key] for key in new} & {old_names[key] for key in gone}

    if new:
        order = sorted(new)
        releases.add(
            ids=order,
            documents=[texts[key] for key in order],
            embeddings=[word_lengths(texts[key]) for key in order],
            metadatas=[{"file": names[key], "chars": len(texts[key])} for key in order],
        )
    renamed = [key for key in names.keys() & old_names.keys() if names[key] != old_names[key]]
    if renamed:  # same content, other file name: the record stays, one key of it changes
        releases.update(ids=renamed, metadatas=[{"file": names[key]} for key in renamed])
    if gone:
        releases.delete(ids=sorted(gone))
    return FolderDiff(
        frozenset(names[key] for key in new),
        frozenset(names[key] for key in names.keys() - new),
        frozenset(old_names[key] for key in gone),
        frozenset(edited),
        tuple(duplicates),
    )


def main() -> None:
    # Two spellings of one text, and a text of its own.
    straight = 'MERGER ANNOUNCED\nThe "Bakers\' Guild" and the millers merge.'
    curly = "Merger announced \n\n  The \u201cBakers\u2019 Guild\u201d and the\nmillers  merge.\n"
    assert content_id(straight) == content_id(curly)
    assert content_id(straight) != content_id(straight.replace("millers", "Millers")), "the body minds capitals"

    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as database:
        inbox = Path(folder)
        releases = chromadb.PersistentClient(path=database).get_or_create_collection("press_releases")

        (inbox / "01-merger.txt").write_text(straight, encoding="utf-8")
        (inbox / "02-flour.txt").write_text("Flour recall\nBags of lot 88 may hold stones.", encoding="utf-8")
        (inbox / "03-merger-again.txt").write_text(curly, encoding="utf-8")
        first = sync_folder(inbox, releases)
        assert first.new == {"01-merger.txt", "02-flour.txt"}
        assert first.duplicates == (("01-merger.txt", "03-merger-again.txt"),)
        assert releases.count() == 2

        again = sync_folder(inbox, releases)
        assert not again.new and not again.gone and len(again.kept) == 2

        # An edit makes a new id; the old one goes in the same run.
        (inbox / "02-flour.txt").write_text("Flour recall\nBags of lots 88 and 89 may hold stones.", encoding="utf-8")
        (inbox / "04-prize.txt").write_text("Prize\nOur rye won.", encoding="utf-8")
        edit = sync_folder(inbox, releases)
        assert edit.edited == {"02-flour.txt"} and edit.new == {"02-flour.txt", "04-prize.txt"}
        assert releases.count() == 3

        # A new name is no new content: the id, and with it the vector, stays.
        (inbox / "04-prize.txt").rename(inbox / "99-prize.txt")
        rename = sync_folder(inbox, releases)
        assert not rename.new and releases.get(where={"file": "99-prize.txt"}, include=[])["ids"]

        # "Have we published this?" is a look-up by id, with no search at all.
        leaked = "prize\nOur  rye won. "
        assert releases.get(ids=[content_id(leaked)])["metadatas"][0]["file"] == "99-prize.txt"
        assert not releases.get(ids=content_id("Prize\nOur wheat won."))["ids"]

        for key, facts in zip(*map(releases.get().get, ("ids", "metadatas"))):
            print(f"{key}  {facts['file']:<16} {facts['chars']:>3} characters")


if __name__ == "__main__":
    main()
