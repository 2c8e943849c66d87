"""`fieldnotes`: a Typer command line tool that keeps a biologist's field notes in a persistent Chroma collection."""

import hashlib
import json
import tempfile
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import chromadb
import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Field notes with search by meaning.")
tags_app = typer.Typer(help="Work with the tags of notes.")
app.add_typer(tags_app, name="tags")


class Taxon(str, Enum):
    bird = "bird"
    plant = "plant"
    insect = "insect"


class Notebook:
    """Everything the commands need to know about Chroma."""

    def __init__(self, home: Path) -> None:
        self.client = chromadb.PersistentClient(path=home / "notebook")
        self.notes = self.client.get_or_create_collection(
            name="field_notes",
            configuration={"hnsw": {"space": "cosine"}},
            metadata={"app": "fieldnotes", "layout": 1},
        )

    @staticmethod
    def embed(text: str) -> np.ndarray:
        """Random indexing: each word owns a fixed random direction, a note is their sum."""
        total = np.zeros(96)
        for word in text.lower().split():
            seed = int.from_bytes(hashlib.sha1(word.strip(".,;").encode()).digest()[:4], "big")
            total += np.random.default_rng(seed).standard_normal(96)
        return total


HomeOption = Annotated[Path, typer.Option("--home", envvar="FIELDNOTES_HOME", help="Where the notebook lies.")]


@app.callback()
def setup(ctx: typer.Context, home: HomeOption = Path.home() / ".fieldnotes") -> None:
    """Opened here, once, for whichever command follows; closed when the command has ended."""
    ctx.obj = Notebook(home)
    ctx.call_on_close(ctx.obj.client.close)


@app.command()
def add(
    ctx: typer.Context,
    text: str,
    taxon: Annotated[Taxon, typer.Option(case_sensitive=False)],
    site: str = "unknown",
    on: Annotated[Optional[datetime], typer.Option(formats=["%Y-%m-%d"])] = None,
    tag: Annotated[Optional[list[str]], typer.Option(help="May be given several times.")] = None,
) -> None:
    """Write one note."""
    notes = ctx.obj.notes
    day = on.date() if on else date.today()
    note_id = f"{day:%Y%m%d}-{hashlib.sha1(text.encode()).hexdigest()[:6]}"
    metadata = {"taxon": taxon.value, "site": site, "day": int(f"{day:%Y%m%d}")}
    if tag:
        metadata["tags"] = tag      # an empty list is not a valid metadata value, so leave the key out
    notes.upsert(ids=note_id, documents=text, embeddings=Notebook.embed(text), metadatas=metadata)
    typer.echo(note_id)


@app.command()
def search(
    ctx: typer.Context,
    words: list[str],
    taxon: Optional[Taxon] = None,
    since: Annotated[Optional[datetime], typer.Option(formats=["%Y-%m-%d"])] = None,
    limit: Annotated[int, typer.Option("-n", min=1, max=50)] = 5,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Find the notes nearest to some words."""
    conditions: list[dict] = []
    if taxon is not None:
        conditions.append({"taxon": taxon.value})
    if since is not None:
        conditions.append({"day": {"$gte": int(f"{since:%Y%m%d}")}})
    found = ctx.obj.notes.query(
        query_embeddings=[Notebook.embed(" ".join(words))],
        n_results=limit,
        where={"$and": conditions} if len(conditions) == 2 else next(iter(conditions), None),
    )
    rows = list(zip(found["ids"][0], found["documents"][0], found["metadatas"][0]))
    if as_json:
        typer.echo(json.dumps([{"id": i, "text": t, **m} for i, t, m in rows]))
        return
    if not rows:
        typer.secho("nothing found", err=True)
        raise typer.Exit(code=1)
    table = Table("id", "site", "note")
    for note_id, text, meta in rows:
        table.add_row(note_id, meta["site"], text)
    Console(width=100).print(table)


@app.command()
def remove(ctx: typer.Context, note_id: str, yes: Annotated[bool, typer.Option("--yes", "-y")] = False) -> None:
    """Delete a note after asking."""
    row = ctx.obj.notes.get(ids=[note_id])
    if not row["ids"]:
        raise typer.BadParameter(f"there is no note {note_id}", param_hint="NOTE_ID")
    if not yes:
        typer.confirm(f"Delete {row['documents'][0]!r}?", abort=True)
    ctx.obj.notes.delete(ids=[note_id])


@tags_app.command("list")
def tags_list(ctx: typer.Context) -> None:
    metas = ctx.obj.notes.get(include=["metadatas"])["metadatas"]
    for name in sorted({t for m in metas for t in m.get("tags", [])}):
        uses = ctx.obj.notes.get(where={"tags": {"$contains": name}}, include=[])
        typer.echo(f"{name}\t{len(uses['ids'])}")


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        runner = CliRunner(env={"FIELDNOTES_HOME": home})

        def run(*args: str, ok: bool = True, stdin: str = ""):
            result = runner.invoke(app, list(args), input=stdin)
            assert (result.exit_code == 0) is ok, result.output
            return result.stdout.strip()

        kingfisher = run("add", "kingfisher dives at the old weir", "--taxon", "bird", "--site", "Weir", "--on", "2024-04-02",
                         "--tag", "river", "--tag", "photo")
        run("add", "marsh marigold in flower along the river", "--taxon", "PLANT", "--on", "2024-04-03", "--tag", "river")
        run("add", "two wagtails feed below the weir", "--taxon", "bird", "--site", "Weir", "--on", "2024-05-11")
        assert "Invalid value" in runner.invoke(app, ["add", "cat", "--taxon", "mammal"]).output

        hits = json.loads(run("search", "at", "the", "weir", "--taxon", "bird", "--since", "2024-05-01", "--json"))
        assert [h["day"] for h in hits] == [20240511]
        assert kingfisher in run("search", "kingfisher", "-n", "1")
        run("search", "anything", "--taxon", "insect", ok=False)

        assert run("tags", "list").splitlines() == ["photo\t1", "river\t2"]
        run("remove", kingfisher, stdin="n\n", ok=False)
        run("remove", kingfisher, stdin="y\n")
        run("remove", kingfisher, ok=False)
        assert len(json.loads(run("search", "weir", "--json"))) == 2
        print(run("search", "river", "weir"))


if __name__ == "__main__":
    main()
