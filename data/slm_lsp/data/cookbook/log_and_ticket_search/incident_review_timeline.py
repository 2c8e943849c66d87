"""Search past incident reviews: what broke like this before, who owned it, and what was happening around that hour."""

import json
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Optional

import chromadb
import typer
from chromadb.utils.embedding_functions import register_embedding_function

app = typer.Typer(add_completion=False, no_args_is_help=True)

REVIEWS = """
{"id": "INC-201", "at": "2024-03-02T04:10", "sev": 1, "services": ["payments", "ledger"], "text": "Database connections exhausted after a retry storm. Payments timed out for forty minutes."}
{"id": "INC-214", "at": "2024-05-19T13:00", "sev": 3, "services": ["search"], "text": "Index rebuild filled the disk. Search returned stale results."}
{"id": "INC-219", "at": "2024-05-19T13:25", "sev": 2, "services": ["catalog", "search"], "text": "Catalog pages slow because search was retried without backoff."}
{"id": "INC-230", "at": "2024-08-30T22:45", "sev": 1, "services": ["login"], "text": "Certificate expired at night. Nobody could sign in until it was renewed."}
{"id": "INC-244", "at": "2024-11-29T18:05", "sev": 2, "services": ["payments"], "text": "Retry storm from the mobile app exhausted the connection pool on sale day."}
{"id": "INC-251", "at": "2025-01-07T09:30", "sev": 3, "services": ["mail"], "text": "Certificate of the mail relay expired, messages queued for a day."}
"""

CONCEPTS = {
    "connections": ("connection", "connections", "pool", "sockets"),
    "retries": ("retry", "retried", "retries", "backoff", "storm"),
    "disk": ("disk", "filled", "volume", "space"),
    "expiry": ("expired", "certificate", "renewed", "expiry", "tls"),
    "slowness": ("slow", "timed", "timeout", "latency", "stale"),
    "access": ("sign", "login", "password", "session"),
    "load": ("sale", "peak", "traffic", "mobile"),
}


@register_embedding_function
class ConceptCounter(chromadb.EmbeddingFunction):
    """Registered under its name, so a later process opens the collection without passing it."""

    def __init__(self, weights: Optional[list[float]] = None) -> None:
        self.weights = weights or [1.0] * len(CONCEPTS)

    def __call__(self, input: list[str]) -> Any:
        result = []
        for text in input:
            words = [w.strip(".,?!").lower() for w in text.split()]
            counts = [0.02 + sum(words.count(c) for c in cues) for cues in CONCEPTS.values()]
            result.append([c * w for c, w in zip(counts, self.weights)])
        return result

    @staticmethod
    def name() -> str:
        return "incident-concepts"

    def get_config(self) -> dict[str, Any]:
        return {"weights": self.weights}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "ConceptCounter":
        return ConceptCounter(config.get("weights"))


def epoch(iso: str) -> int:
    return int(datetime.fromisoformat(iso).replace(tzinfo=timezone.utc).timestamp())


def reviews_at(store: Path) -> chromadb.Collection:
    return chromadb.PersistentClient(path=store).get_or_create_collection(
        "incident_reviews",
        embedding_function=ConceptCounter([1.0, 1.0, 1.0, 1.5, 0.5, 1.0, 0.5]),
        configuration={"hnsw": {"space": "cosine"}},
    )


@app.command("import")
def import_reviews(file: Path, store: Path = typer.Option(...)) -> None:
    """Read reviews from a file with one JSON object a line; importing twice changes nothing."""
    rows = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    reviews_at(store).upsert(
        ids=[row["id"] for row in rows],
        documents=[row["text"] for row in rows],
        metadatas=[
            {"at": epoch(row["at"]), "day": row["at"][:10], "severity": row["sev"], "services": row["services"]}
            for row in rows
        ],
    )
    typer.echo(f"{len(rows)} reviews imported")


@app.command()
def similar(
    symptom: str,
    store: Path = typer.Option(...),
    service: Optional[str] = None,
    worst: int = typer.Option(5, help="only severities up to this number"),
    since: Optional[str] = typer.Option(None, help="ISO date"),
    limit: int = 3,
) -> None:
    """Incidents that read like a symptom, nearest first."""
    rules: list[dict[str, Any]] = [{"severity": {"$lte": worst}}]
    if service:
        rules.append({"services": {"$contains": service}})
    if since:
        rules.append({"at": {"$gte": epoch(since)}})
    found = reviews_at(store).query(
        query_texts=[symptom], n_results=limit, where=rules[0] if len(rules) == 1 else {"$and": rules}
    )
    for key, text, meta in zip(found["ids"][0], found["documents"][0], found["metadatas"][0]):
        typer.echo(f"{key} {meta['day']} sev{meta['severity']} {'+'.join(meta['services'])}: {text}")
    if not found["ids"][0]:
        typer.echo("nothing like it")
        raise typer.Exit(code=1)


@app.command()
def around(incident: str, store: Path = typer.Option(...), hours: float = 2.0) -> None:
    """What else happened within some hours of an incident: the cause is often next door."""
    reviews = reviews_at(store)
    centre = reviews.get(ids=[incident], include=["metadatas"])["metadatas"]
    if not centre:
        typer.echo(f"no incident {incident}", err=True)
        raise typer.Exit(code=2)
    at = centre[0]["at"]
    rows = reviews.get(
        where={"$and": [{"at": {"$gte": at - int(hours * 3600)}}, {"at": {"$lte": at + int(hours * 3600)}}]}
    )
    for when, key in sorted((m["at"], i) for i, m in zip(rows["ids"], rows["metadatas"])):
        typer.echo(f"{(when - at) / 60:+6.0f} min  {key}")


def rehearse() -> None:
    """Run the commands as a person would, and check what they print."""
    from typer.testing import CliRunner

    runner = CliRunner()
    with tempfile.TemporaryDirectory() as scratch:
        source, store = Path(scratch, "reviews.jsonl"), str(Path(scratch, "store"))
        source.write_text(REVIEWS)

        def run(*arguments: str, code: int = 0) -> list[str]:
            result = runner.invoke(app, [*arguments, "--store", store])
            assert result.exit_code == code, (arguments, result.output, result.exception)
            return result.output.splitlines()

        assert run("import", str(source)) == ["6 reviews imported"] == run("import", str(source))

        storms = run("similar", "a retry storm ate all connections", "--limit", "2")
        print(*storms, sep="\n")
        assert {line.split()[0] for line in storms} == {"INC-201", "INC-244"}

        expiry = run("similar", "tls certificate expired", "--since", "2024-12-01", "--limit", "1")
        assert expiry[0].startswith("INC-251 2025-01-07 sev3 mail")
        assert run("similar", "tls certificate expired", "--worst", "1", "--limit", "1")[0].startswith("INC-230")
        assert run("similar", "anything", "--service", "billing", code=1) == ["nothing like it"]

        timeline = run("around", "INC-219", "--hours", "1")
        print(*timeline, sep="\n")
        assert timeline == ["   -25 min  INC-214", "    +0 min  INC-219"]
        run("around", "INC-999", code=2)

        # Opened by name alone: the registered function is rebuilt from its stored weights.
        again = chromadb.PersistentClient(path=store).get_collection("incident_reviews")
        assert again.configuration["embedding_function"].weights[3] == 1.5
        assert again.query(query_texts=["disk filled"], n_results=1)["ids"] == [["INC-214"]]


if __name__ == "__main__":
    import sys

    app() if len(sys.argv) > 1 else rehearse()
