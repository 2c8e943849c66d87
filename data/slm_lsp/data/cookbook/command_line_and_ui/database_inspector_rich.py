"""Show what a Chroma folder holds - tenants, databases, collections, metadata keys and samples - as rich trees and tables."""
import argparse
import io
import sys
import tempfile
from collections import Counter, defaultdict

import chromadb
from chromadb.config import DEFAULT_TENANT, Settings
from chromadb.errors import NotFoundError
from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.tree import Tree


def paged(fetch, size=50):
    """Yield everything from a `limit`/`offset` method, page after page."""
    offset = 0
    while page := fetch(limit=size, offset=offset):
        yield from page
        offset += len(page)


def describe_type(value):
    if isinstance(value, list):
        return f"list[{describe_type(value[0])}]" if value else "list"
    return type(value).__name__


def metadata_schema(collection, sample=500):
    """key -> (how often, Counter of types, an example), over the first `sample` records."""
    seen, types, example = Counter(), defaultdict(Counter), {}
    rows = collection.get(limit=sample, include=["metadatas"])
    for meta in rows["metadatas"]:
        for key, value in (meta or {}).items():
            seen[key] += 1
            types[key][describe_type(value)] += 1
            example.setdefault(key, value)
    return {k: (seen[k] / len(rows["ids"]), types[k], example[k]) for k in sorted(seen)}


def dimension(collection):
    vectors = collection.get(limit=1, include=["embeddings"])["embeddings"]
    return len(vectors[0]) if len(vectors) else None


def overview(client, admin, tenant):
    tree = Tree(f"[bold]{tenant}[/]")
    for database in paged(lambda **page: admin.list_databases(tenant=tenant, **page)):
        client.set_tenant(tenant=tenant, database=database["name"])
        total = client.count_collections()
        branch = tree.add(f"{database['name']} [dim]({total} collections)[/]")
        for collection in paged(client.list_collections):
            space = (collection.configuration_json.get("hnsw") or {}).get("space", "?")
            branch.add(f"[cyan]{collection.name}[/]  {collection.count()} records, {space}")
    return tree


def detail(collection, samples):
    facts = Table.grid(padding=(0, 2))
    facts.add_row("id", str(collection.id))
    facts.add_row("records", str(collection.count()))
    facts.add_row("dimension", str(dimension(collection)))
    for key, value in (collection.configuration_json.get("hnsw") or {}).items():
        facts.add_row(f"hnsw.{key}", str(value))
    for key, value in (collection.metadata or {}).items():
        facts.add_row(f"metadata.{key}", str(value))

    keys = Table("key", "present", "types", "example", title="record metadata", title_justify="left")
    for key, (share, kinds, example) in metadata_schema(collection).items():
        style = "red" if len(kinds) > 1 else None          # mixed types: filters will miss some of the records
        # Without escape() rich would take "list[str]" for a style tag and swallow half of it.
        keys.add_row(key, f"{share:.0%}", escape(", ".join(sorted(kinds))), escape(str(example)), style=style)

    rows = collection.peek(limit=samples)
    sample = Table("id", "vector", "document", title="sample", title_justify="left")
    for rid, vector, document in zip(rows["ids"], rows["embeddings"], rows["documents"]):
        sample.add_row(rid, " ".join(f"{x:+.2f}" for x in vector[:3]) + " ..", (document or "-")[:40])
    return Panel(Group(facts, keys, sample), title=collection.name)


def health(client):
    lines = [f"chromadb {client.get_version()}", f"max batch {client.get_max_batch_size()}"]
    settings = client.get_settings()
    lines.append(f"persistent: {settings.is_persistent}, reset allowed: {settings.allow_reset}")
    return " | ".join(lines)


def main(argv=None, console=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--tenant", default=DEFAULT_TENANT)
    parser.add_argument("--collection", help="DATABASE/COLLECTION to look into")
    parser.add_argument("--samples", type=int, default=3)
    args = parser.parse_args(argv)
    console = console or Console()

    settings = Settings(is_persistent=True, persist_directory=args.path, anonymized_telemetry=False)
    admin = chromadb.AdminClient(settings)
    try:
        admin.get_tenant(args.tenant)
    except NotFoundError as error:
        console.print(f"[red]{error}[/]")
        return 1
    with chromadb.Client(settings=settings, tenant=args.tenant) as client:
        console.print(health(client))
        if args.collection is None:
            console.print(overview(client, admin, args.tenant))
            return 0
        database, _, name = args.collection.partition("/")
        try:
            client.set_database(database)
            collection = client.get_collection(name)
        except NotFoundError as error:
            console.print(f"[red]{error}[/]")
            return 1
        console.print(detail(collection, args.samples))
    return 0


def make_example(path):
    """A small observatory: two databases, and one collection whose metadata has grown inconsistent."""
    settings = Settings(is_persistent=True, persist_directory=path, anonymized_telemetry=False)
    chromadb.AdminClient(settings).create_database("archive", tenant=DEFAULT_TENANT)
    with chromadb.Client(settings=settings) as live:
        live.create_collection("spectra", configuration={"hnsw": {"space": "cosine", "ef_search": 40}}, metadata={"survey": "LAM-3"}).add(
            ids=["s1", "s2", "s3"],
            embeddings=[[0.1, 0.9, 0.0, 0.3], [0.2, 0.8, 0.1, 0.1], [0.9, 0.0, 0.4, 0.2]],
            documents=["K giant, strong sodium", None, "white dwarf"],
            metadatas=[{"magnitude": 8.1, "lines": ["Na", "Ca"]}, {"magnitude": "9.4"}, {"magnitude": 12.7, "checked": True}],
        )
        live.create_collection("guide-stars")
    with chromadb.Client(settings=settings, database="archive") as old:
        old.create_collection("plates").add(ids=["p-1931"], embeddings=[[1.0, 0.0]])


def selftest():
    def capture(*argv):
        buffer = io.StringIO()
        code = main(list(argv), Console(file=buffer, width=110))
        return code, buffer.getvalue()

    with tempfile.TemporaryDirectory() as folder:
        make_example(folder)
        code, tree = capture(folder)
        assert code == 0 and "default_database (2 collections)" in tree and "archive (1 collections)" in tree
        assert "spectra  3 records, cosine" in tree and "plates  1 records, l2" in tree

        code, panel = capture(folder, "--collection", "default_database/spectra", "--samples", "2")
        magnitude = next(line for line in panel.splitlines() if "magnitude" in line)
        assert "100%" in magnitude and "float, str" in magnitude, "mixed types must show"
        assert "list[str]" in panel and "hnsw.ef_search" in panel and "LAM-3" in panel and "white dwarf" not in panel
        assert capture(folder, "--collection", "default_database/nebulae")[0] == 1
        assert capture(folder, "--collection", "attic/spectra")[0] == 1
        assert capture(folder, "--tenant", "nobody")[0] == 1
        print(tree)


if __name__ == "__main__":
    selftest() if len(sys.argv) == 1 else sys.exit(main())
