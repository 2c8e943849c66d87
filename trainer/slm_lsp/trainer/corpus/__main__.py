"""The maintainers' commands: `python -m slm_lsp.trainer.corpus fetch|tokenizer|pack|compact|unpack|points|check`.

Knows: what a maintainer types and sees. Must not know: how each step works.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from slm_lsp.data import point_file, vocabulary
from slm_lsp.model.errors import SlmLspError
from slm_lsp.model.evaluation.positions import write_positions
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.corpus.compact import compact_pack
from slm_lsp.trainer.corpus.fetch import fetch_package
from slm_lsp.trainer.corpus.fim import FimRecipe
from slm_lsp.trainer.corpus.manifest import archives_folder, manifest_sha256, packed_folder, read_manifest
from slm_lsp.trainer.corpus.pack import FIM_VALIDATION_FILES, Pack, read_pack, write_pack
from slm_lsp.trainer.corpus.select import Selection, select
from slm_lsp.trainer.corpus.tokenizer import bytes_per_token, train_tokenizer
from slm_lsp.trainer.corpus.unpack import choose_positions, unpack

app = typer.Typer(
    help="Build the base model's corpus: fetch the packages, train the tokenizer, pack, check the splits.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True)

Manifest = Annotated[
    Path | None,
    typer.Option(help="Table of packages.", show_default="the one that ships", exists=True, dir_okay=False),
]
Archives = Annotated[Path, typer.Option(help="Folder of the fetched archives.", default_factory=archives_folder)]
Packed = Annotated[Path, typer.Option(help="Folder of the packed corpus.", default_factory=packed_folder)]
Vocabulary = Annotated[
    Path,
    typer.Option(help="tokenizer.json, or a folder with it.", default_factory=lambda: vocabulary("chroma8k")),
]
HeldOut = Annotated[Literal["tune", "test", "adapt"], typer.Argument(help="The split.")]
Pointed = Annotated[Literal["tune", "test"], typer.Argument(help="The split.")]


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        yield progress


@app.command()
def fetch(archives: Archives, manifest: Manifest = None) -> None:
    """Download the packages of the manifest, one at a time, and verify their sha256.

    What is there and valid is kept, so the command can be stopped and run again.
    """
    packages = [package for package in read_manifest(manifest) if not package.local]
    failed: list[str] = []
    with _progress() as progress:
        task = progress.add_task("fetch", total=len(packages))
        for package in packages:
            progress.update(task, description=package.label)
            try:
                warning = fetch_package(package, archives)
            except SlmLspError as error:
                failed.append(str(error))
                console.print(f"[red]error[/]: {error}")
            else:
                if warning:
                    console.print(f"[yellow]warning[/]: {warning}")
            progress.advance(task)
    if failed:
        console.print(f"{len(failed)} of {len(packages)} packages are missing; run the command again to go on")
        raise typer.Exit(1)
    print(f"{len(packages)} packages in {archives}")


@app.command()
def tokenizer(archives: Archives, out: Vocabulary, manifest: Manifest = None) -> None:
    """Train the vocabulary on the training split and say how well it fits the tune split."""
    selection = _selection(archives, manifest)
    console.print("training the vocabulary (minutes)")
    trained = train_tokenizer(selection.of("train"), progress=console.is_terminal)
    path = out / "tokenizer.json" if out.is_dir() else out
    trained.save(path)
    for name, chroma in (("ChromaDB", True), ("other", False)):
        rate = bytes_per_token(trained, selection.of("tune", chroma))
        print(f"{name} files of the tune split: {rate:.3f} bytes a token")
    print(f"{path}: {trained.vocab_size} tokens, sha256 {trained.sha256}")


@app.command()
def pack(
    archives: Archives,
    tokenizer: Vocabulary,
    out: Packed,
    manifest: Manifest = None,
    fim_share: Annotated[float, typer.Option(help="Share of the pieces made fill-in-the-middle.", min=0, max=1)] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the order of files and of every cut.")] = 0,
) -> None:
    """Pack the training split, and the tune split for the validation loss, into flat files of token ids."""
    loaded = Tokenizer.from_file(tokenizer)
    recipe = FimRecipe(share=fim_share, seed=seed)
    selection = _selection(archives, manifest)
    about = {"manifest_sha256": manifest_sha256(manifest), "dropped": dict(selection.dropped)}
    train, tune = selection.of("train"), selection.of("tune")
    with _progress() as progress:
        task = progress.add_task("pack", total=len(train) + len(tune) + min(len(tune), FIM_VALIDATION_FILES))
        made = write_pack(train, tune, loaded, out, recipe=recipe, about=about, on_file=lambda: progress.advance(task))
    _show(made)


@app.command()
def compact(
    packed: Packed,
    out: Annotated[Path, typer.Argument(help="File to write.")],
    max_mb: Annotated[float, typer.Option(help="Most megabytes it may take.", min=0.1)] = 28.0,
) -> None:
    """Squeeze a pack into one file to carry elsewhere: all ChromaDB tokens, and as many others as fit."""
    with console.status("compressing"):
        report = compact_pack(read_pack(packed), out, max_bytes=int(max_mb * 1_000_000))
    print(f"{out}: {report}")


@app.command(name="unpack")
def unpack_split(archives: Archives, split: HeldOut) -> None:
    """Unpack a held-out split's files for `slm-lsp evaluate`, fetching what is missing; prints the folder."""
    with console.status(f"unpacking the split {split}"):
        folder = unpack(split, archives)
    print(folder)


@app.command()
def points(archives: Archives, split: Pointed) -> None:
    """Choose the points of a held-out split anew and write its point file; it changes only with the manifest."""
    chosen = choose_positions(split, archives)
    write_positions(point_file(split), chosen)
    print(f"{len(chosen)} points in {point_file(split)}")


@app.command()
def check(archives: Archives, packed: Packed, manifest: Manifest = None) -> None:
    """Select the files anew and say what is kept, what is dropped, and whether a pack is up to date."""
    selection = _selection(archives, manifest)
    table = Table("split", "ChromaDB files", "other files", "megabytes")
    for split in ("train", "tune", "test", "adapt"):
        files = selection.of(split)
        size = sum(len(file.text.encode()) for file in files) / 1e6
        counts = (len(selection.of(split, True)), len(selection.of(split, False)))
        table.add_row(split, *map(str, counts), f"{size:.1f}")
    Console().print(table)
    for reason, count in selection.dropped.most_common():
        print(f"dropped {count:5d}  {reason}")
    for note in selection.notes:
        print(f"note: {note}")
    if (packed / "meta.json").is_file():
        made = read_pack(packed)
        _show(made)
        if made.meta.get("manifest_sha256") != manifest_sha256(manifest):
            console.print("[yellow]warning[/]: that pack was made from another manifest; pack the corpus again")


def _selection(archives: Path, manifest: Path | None) -> Selection:
    packages = read_manifest(manifest)
    with _progress() as progress:
        task = progress.add_task("read", total=len(packages) + 1)

        def on_package(name: str) -> None:
            progress.update(task, description=name, advance=1)

        return select(packages, archives, on_package)


def _show(made: Pack) -> None:
    table = Table("array", "files", "tokens", "bytes a token", title=str(made.folder), title_justify="left")
    for name, counts in made.meta["arrays"].items():
        rate = counts["bytes"] / max(counts["tokens"], 1)
        table.add_row(name, f"{counts['files']:,}", f"{counts['tokens']:,}", f"{rate:.3f}")
    Console(width=shutil.get_terminal_size((100, 24)).columns).print(table)


def main() -> None:
    """Run the commands; errors of ours end in one line and exit status 1, Ctrl-C in 130."""
    try:
        app()
    except SlmLspError as error:
        console.print(f"[red]error[/]: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
