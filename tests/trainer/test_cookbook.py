"""Looking after the cookbook: what counts as a call, coverage of the installed chromadb, overlap, README."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from typer.testing import CliRunner

from slm_lsp.model.errors import CorpusError, MissingExtra
from slm_lsp.model.evaluation.calls import chroma_calls
from slm_lsp.trainer.cookbook.__main__ import app
from slm_lsp.trainer.cookbook.api import EXEMPT, Api, embedded, read_api, try_exempt
from slm_lsp.trainer.cookbook.coverage import ENOUGH, count_coverage
from slm_lsp.trainer.cookbook.overlap import compare
from slm_lsp.trainer.cookbook.programs import COOKBOOK, Program, count_tokens, read_benchmark, read_programs
from slm_lsp.trainer.cookbook.readme import render_readme
from slm_lsp.trainer.corpus.manifest import read_manifest
from slm_lsp.trainer.corpus.select import select
from slm_lsp.trainer.corpus.windows import contaminated, line_windows

GIVES_A_COLLECTION = [
    "col = chromadb.Client().get_collection('a')",
    "col = chromadb.Client().get_or_create_collection('a'); other = col; other.peek(); col = other",
    "self.col = self.client.create_collection('a'); col = self.col",
    "col: chromadb.Collection = load()",
    "def find(col: 'Collection | None' = None): ...",
    "async def find(col: Annotated[AsyncCollection, 'of a tenant']): ...",
    "def find() -> Iterator[Collection]: ...\nwith find() as col: ...",
    "def shelf(): return client.create_collection('a')\ncol = shelf()",
    "@pytest.fixture\ndef col(client):\n    yield client.create_collection('a')",
    "def fill(rows, col): ...\nfill([], client.get_collection('a'))",
    "def fill(rows, *, col): ...\nfill([], col=client.get_collection('a'))",
    "class Shelf:\n    def __init__(self, col):\n        self.c = col\nShelf(client.get_collection('a'))",
    "for col in client.list_collections(): ...",
    "all(col for col in client.list_collections())",
    "rows, col = [], client.get_collection('a')",
    "if col := client.get_collection('a'): ...",
    "col = cache or (client.get_collection('a') if fresh else None)",
    "async def f():\n    col = await client.get_collection('a')",
]
GIVES_NONE = [
    "col = {}",
    "cols: dict[str, Collection] = {}; col = cols",
    "col = remember('a')",
    "def find() -> list[Collection]: ...\ncol = find()",
    "def find(col: 'not a type'): ...",
]


def calls(source: str) -> list[tuple[str, str, list[str]]]:
    program = "import chromadb\n" + dedent(source)
    return [(call.owner, call.method, sorted(call.keywords)) for call in chroma_calls(program)]


@pytest.mark.parametrize("source", GIVES_A_COLLECTION)
def test_a_call_counts_where_the_file_says_that_its_receiver_is_a_collection(source: str) -> None:
    assert ("collection", "get", ["limit", "where"]) in calls(f"{source}\ncol.get(where=w, limit=1)")


@pytest.mark.parametrize("source", GIVES_NONE)
def test_a_call_does_not_count_where_the_file_does_not_say_so(source: str) -> None:
    assert "get" not in {method for _, method, _ in calls(f"{source}\ncol.get(where=w, limit=1)")}


def test_factories_count_and_give_clients_and_admins() -> None:
    found = calls("""
        from chromadb import AdminClient
        client = chromadb.HttpClient(host="127.0.0.1", port=8000)
        client.heartbeat()
        from chromadb.api.async_client import AsyncAdminClient
        AdminClient(settings=s).create_tenant(name="a", **more)
        await AsyncAdminClient(s).list_databases(limit=3)
        httpx.Client(settings=s).get("/")
        """)
    assert sorted(found) == [
        ("admin", "create_tenant", ["name"]),
        ("admin", "list_databases", ["limit"]),
        ("chromadb", "AdminClient", ["settings"]),
        ("chromadb", "HttpClient", ["host", "port"]),
        ("client", "heartbeat", []),
    ]


def test_names_like_the_factories_of_other_packages_do_not_count() -> None:
    assert calls("from redis import Client\nClient(settings=s).reset()") == []


def test_a_program_that_does_not_import_chromadb_has_no_calls() -> None:
    text = "col = client.get_collection('a')\ncol.get(limit=1)"
    assert chroma_calls(text) == []
    assert chroma_calls(f"from chromadb.api import ClientAPI\n{text}")


def test_coverage_counts_programs_not_calls() -> None:
    api: Api = {"chromadb": {"Client": ("tenant",)}, "collection": {"get": ("ids", "limit"), "peek": ()}}
    twice = "import chromadb\ncol = chromadb.Client().get_collection('a')\ncol.get(limit=1); col.get(limit=2)\n"
    once = "import chromadb\ncol = chromadb.Client(tenant='t').get_collection('a')\ncol.get('1'); col.peek()\n"
    client, get, peek = count_coverage([twice, once, "col.peek()"], api)
    assert (client.programs, client.keywords) == (2, {"tenant": 1})
    assert (get.programs, get.keywords) == (2, {"ids": 0, "limit": 1})
    assert (peek.programs, peek.keywords) == (1, {})
    assert get.missing(2) == ["collection.get(ids=): 0", "collection.get(limit=): 1"]
    assert peek.missing(2) == ["collection.peek: 1"]
    assert client.missing(1) == []


def test_the_api_is_that_of_the_installed_chromadb() -> None:
    api = read_api()
    assert api["chromadb"]["PersistentClient"] == ("path", "settings", "tenant", "database")
    assert {"query_texts", "n_results", "where_document"} <= set(api["collection"]["query"])
    assert api["client"]["set_tenant"] == ("tenant", "database")
    assert api["admin"]["get_database"] == ("name", "tenant")
    inner = {"from_system", "create", "clear_system_cache", "metadata", "tenant"}
    assert not any(inner & set(methods) for methods in api.values())
    assert not set(EXEMPT["collection"]) & set(api["collection"])


def test_the_error_without_chromadb_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chromadb", None)
    with pytest.raises(MissingExtra, match=r"pip install .*chroma"):
        read_api()


def test_what_is_exempted_works_on_no_embedded_client() -> None:
    with embedded() as client:
        assert try_exempt(client) == []


class Offering:
    """A client, and a collection, that offers some of what is exempted and refuses the rest with an error."""

    def __init__(self, offered: set[str], refusal: Exception) -> None:
        self.offered, self.refusal = offered, refusal

    def get_or_create_collection(self, *_: object, **__: object) -> Offering:
        return self

    def __getattr__(self, name: str) -> Any:
        def method(*_: object, **__: object) -> None:
            if name not in self.offered:
                raise self.refusal

        return method


def test_an_exempted_method_that_works_is_named() -> None:
    client: Any = Offering({"fork", "search"}, NotImplementedError("not for local Chroma"))
    assert try_exempt(client) == ["search", "fork"]


def test_a_failure_that_is_no_refusal_is_an_error() -> None:
    from chromadb.errors import InternalError

    local: Any = Offering(set(), InternalError("Collection forking is unsupported for local chroma"))
    assert try_exempt(local) == []
    broken: Any = Offering(set(), InternalError("disk full"))
    with pytest.raises(CorpusError, match="disk full"):
        try_exempt(broken)


def test_the_shipped_cookbook_shows_the_whole_api() -> None:
    rows = count_coverage((program.text for program in read_programs()), read_api())
    assert len(rows) > 30
    assert [fault for row in rows for fault in row.missing(ENOUGH)] == []


def test_the_shipped_cookbook_is_a_book() -> None:
    programs = read_programs()
    assert len(programs) >= 200
    assert count_tokens(programs) >= 250_000


def test_no_two_shipped_programs_are_alike_nor_any_like_the_benchmark() -> None:
    benchmark = read_benchmark()
    assert len(benchmark) == 20
    most_alike = compare([*read_programs(), *benchmark])[0]
    assert most_alike.share < 0.3, most_alike


def test_the_benchmark_is_in_no_corpus(tmp_path: Path) -> None:
    manifest = read_manifest()
    (row,) = [package for package in manifest if package.kind == "cookbook"]
    benchmark = read_benchmark()
    texts = {program.text for program in benchmark}
    files = select([row], tmp_path).files
    assert len(files) > 200
    assert not [file.path for file in files if file.text in texts or "benchmark" in file.path]
    held_out = [line_windows(program.text) for program in benchmark]
    assert contaminated([line_windows(file.text) for file in files], held_out) == {}
    assert not [package.name for package in manifest if "slm" in package.name], "ours, with the benchmark in it"


def test_the_readme_is_up_to_date() -> None:
    written = (COOKBOOK / "README.md").read_text(encoding="utf-8")
    assert written == render_readme(read_programs()), "run python -m slm_lsp.trainer.cookbook readme"


def test_the_readme_lists_the_programs_by_theme(tmp_path: Path) -> None:
    shelve(tmp_path, "clients/one.py", '"""Open v1.5 of\na shelf. Then close it.\n\nMore."""\n')
    shelve(tmp_path, "filters/two.py", "'''Filter films, e.g. by year.'''\n")
    text = render_readme(read_programs(tmp_path))
    assert "\n## Clients\n\n- [one](clients/one.py): Open v1.5 of a shelf.\n" in text
    assert "\n## Filters\n\n- [two](filters/two.py): Filter films, e.g. by year.\n" in text
    assert text.startswith("# The ChromaDB cookbook\n\n2 small") and "in 2 themes" in text


def test_a_program_without_a_docstring_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"bare\.py"):
        render_readme([Program(tmp_path / "bare.py", "import chromadb\n")])
    with pytest.raises(CorpusError, match="no programs"):
        read_programs(tmp_path)


def shelve(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_overlap_names_programs_that_are_alike(tmp_path: Path) -> None:
    lines = [f"step({n})" for n in range(40)]
    cookbook, benchmark = tmp_path / "cookbook", tmp_path / "api_benchmark"
    cookbook.mkdir()
    shelve(cookbook, "a/one.py", "\n".join(lines))
    shelve(cookbook, "b/two.py", "\n".join([f"other({n})" for n in range(20)] + lines[:20]))
    shelve(cookbook, "b/three.py", "\n".join([f"third({n})" for n in range(30)] + lines[:10]))
    shelve(tmp_path, "api_benchmark/four.py", "\n".join(f"fourth({n})" for n in range(40)))
    where = ("--cookbook", cookbook, "--benchmark", benchmark)
    code, output = run("overlap", *where)
    assert code == 1
    assert output.startswith(" 46%  a/one.py  b/two.py\n3 programs, 1 of the benchmark; 1 pairs share 30% or more\n")
    assert "most alike in the cookbook:  46%  a/one.py  b/two.py\n" in output
    assert "most alike in the benchmark: no pair\n" in output
    assert "three.py" not in output
    code, output = run("overlap", *where, "--share", 0.5)
    assert (code, output.splitlines()[0]) == (0, "3 programs, 1 of the benchmark; 0 pairs share 50% or more")


def test_overlap_compares_the_benchmark_with_itself_and_with_the_cookbook(tmp_path: Path) -> None:
    lines = [f"step({n})" for n in range(40)]
    cookbook, benchmark = tmp_path / "cookbook", tmp_path / "api_benchmark"
    cookbook.mkdir()
    shelve(cookbook, "a/one.py", "\n".join(lines))
    shelve(tmp_path, "api_benchmark/two.py", "\n".join([f"other({n})" for n in range(20)] + lines[:20]))
    shelve(tmp_path, "api_benchmark/three.py", "\n".join(f"other({n})" for n in range(20)))
    code, output = run("overlap", "--cookbook", cookbook, "--benchmark", benchmark)
    assert code == 1
    assert "most alike between the two:  46%  a/one.py  api_benchmark/two.py\n" in output
    assert "most alike in the benchmark: 100%  api_benchmark/three.py  api_benchmark/two.py\n" in output


def test_coverage_names_what_is_missing(tmp_path: Path) -> None:
    shelve(tmp_path, "a/one.py", "import chromadb\nchromadb.Client().get_collection('a').peek(limit=3)\n")
    code, output = run("coverage", "--cookbook", tmp_path, "--no-try")
    assert code == 1
    assert "collection.peek(limit=): 1\n" in output
    assert "collection.upsert: 0\n" in output
    assert re.search(r"^1 programs, [1-3]\d tokens of our vocabulary$", output, re.MULTILINE)
    assert run("coverage", "--cookbook", tmp_path, "--no-try", "--enough", 0)[0] == 0


def test_readme_writes_the_list_beside_the_programs(tmp_path: Path) -> None:
    shelve(tmp_path, "a/one.py", '"""Count apples."""\n')
    assert run("readme", "--cookbook", tmp_path)[0] == 0
    assert (tmp_path / "README.md").read_text() == render_readme(read_programs(tmp_path))
