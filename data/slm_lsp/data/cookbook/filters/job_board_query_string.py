"""Turn the query string of a job board's URL into a safe where filter.

What arrives from the browser is text, may repeat keys, may be nonsense and may be hostile.  A small
table of allowed fields says what each may be; everything else is answered with a message, never
passed on to the database.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import parse_qsl

import chromadb


class BadRequest(ValueError):
    """Reported to the user as a 400, with all complaints at once."""


@dataclass(frozen=True)
class FieldRule:
    key: str  # the metadata key, which need not be the parameter's name
    operator: str
    convert: Callable[[str], Any]


def whole_number(text: str) -> int:
    if not text.strip().isdigit():
        raise ValueError("a whole number is expected")
    return int(text)


def yes_or_no(text: str) -> bool:
    try:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
    except KeyError:
        raise ValueError("yes or no is expected") from None


def one_of(*allowed: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"one of {', '.join(allowed)} is expected")
        return text.lower()

    return check


RULES = {
    "city": FieldRule("city", "$in", str.lower),
    "level": FieldRule("seniority", "$in", one_of("junior", "senior", "lead")),
    "min_salary": FieldRule("salary_max", "$gte", whole_number),  # the offer's upper end must reach it
    "posted_after": FieldRule("posted", "$gt", whole_number),
    "remote": FieldRule("remote", "$eq", yes_or_no),
    "skill": FieldRule("skills", "$contains", str.lower),
    "not_skill": FieldRule("skills", "$not_contains", str.lower),
}
PAGE_SIZE = 2
MAX_CONDITIONS = 12  # nobody ticks that many boxes


@dataclass(frozen=True)
class Search:
    where: dict[str, Any] | None
    where_document: dict[str, Any] | None
    limit: int
    offset: int


def parse_search(query_string: str) -> Search:
    conditions: list[dict[str, Any]] = []
    choices: dict[str, list[Any]] = {}  # city=a&city=b is one $in
    complaints: list[str] = []
    words, page = [], 1
    for name, text in parse_qsl(query_string, keep_blank_values=False):
        try:
            if name == "q":
                words.append(text.strip())
            elif name == "page":
                page = max(1, whole_number(text))
            elif name not in RULES:
                raise ValueError("no such filter")
            else:
                rule = RULES[name]
                value = rule.convert(text)
                if rule.operator == "$in":
                    choices.setdefault(rule.key, []).append(value)
                else:
                    conditions.append({rule.key: {rule.operator: value}})
        except ValueError as error:
            complaints.append(f"{name}: {error}")
    conditions += [{key: {"$in": sorted(set(values))}} for key, values in choices.items()]
    if len(conditions) > MAX_CONDITIONS:
        complaints.append("too many filters")
    if complaints:
        raise BadRequest("; ".join(complaints))

    where = None
    if conditions:
        where = conditions[0] if len(conditions) == 1 else {"$and": conditions}
    contains = [{"$contains": word} for word in words if word]
    where_document = None
    if contains:
        where_document = contains[0] if len(contains) == 1 else {"$and": contains}
    return Search(where, where_document, PAGE_SIZE, (page - 1) * PAGE_SIZE)


OFFERS = [
    ("Backend developer, tram timetables", "graz", "senior", 48000, 62000, False, ["python", "sql"], 20240501),
    ("Data engineer, wind parks", "kiel", "junior", 41000, 47000, True, ["python", "spark"], 20240509),
    ("Team lead, hospital software", "graz", "lead", 70000, 85000, False, ["java", "sql"], 20240415),
    ("Site reliability, radio archive", "berlin", "senior", 60000, 76000, True, ["go", "linux"], 20240520),
    ("Junior web developer, museum", "kiel", "junior", 36000, 40000, False, ["php", "sql"], 20240522),
]


def post_offers(client: chromadb.ClientAPI) -> chromadb.Collection:
    board = client.get_or_create_collection("job_offers", embedding_function=None)
    keys = ("city", "seniority", "salary_min", "salary_max", "remote", "skills", "posted")
    board.add(
        ids=[f"job-{number}" for number, _ in enumerate(OFFERS, start=1)],
        documents=[offer[0] for offer in OFFERS],
        metadatas=[dict(zip(keys, offer[1:])) for offer in OFFERS],
        embeddings=[[offer[3] / 1e5, offer[4] / 1e5] for offer in OFFERS],
    )
    return board


def handle(board: chromadb.Collection, query_string: str) -> list[str]:
    """What a web handler does, less the web."""
    search = parse_search(query_string)
    return board.get(
        where=search.where,
        where_document=search.where_document,
        limit=search.limit,
        offset=search.offset,
        include=[],
    )["ids"]


def main() -> None:
    board = post_offers(chromadb.EphemeralClient())

    assert handle(board, "") == ["job-1", "job-2"], "no filter is no filter, not an empty one"
    assert handle(board, "page=3") == ["job-5"]
    assert handle(board, "city=Graz&city=Berlin&min_salary=70000") == ["job-3", "job-4"]
    assert handle(board, "skill=SQL&not_skill=java&remote=no") == ["job-1", "job-5"]
    assert handle(board, "level=junior&posted_after=20240510") == ["job-5"]
    assert handle(board, "q=developer&q=museum") == ["job-5"]
    assert handle(board, "city=graz&q=wind") == []
    assert parse_search("remote=yes").where == {"remote": {"$eq": True}}

    refused = []
    for attempt in (
        "level=emperor&min_salary=lots",
        "$or=1",
        "city[$ne]=x",  # the trick that works where filters are built from raw input
        "&".join(f"skill=s{n}" for n in range(50)),
    ):
        try:
            handle(board, attempt)
        except BadRequest as error:
            refused.append(str(error))
    assert len(refused) == 4
    assert refused[0] == "level: one of junior, senior, lead is expected; min_salary: a whole number is expected"

    print("where:", parse_search("city=graz&skill=sql&min_salary=60000").where)
    print("refused:", *refused, sep="\n  ")


if __name__ == "__main__":
    main()
