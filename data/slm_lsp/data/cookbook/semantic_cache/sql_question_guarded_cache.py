"""Cache question-to-SQL translations behind guards: numbers, names and the schema have to match, not only the meaning.

"Sales in 2023" and "sales in 2024" are neighbours in any embedding space, and serving
one query for the other is a wrong answer that looks right. So literals are cut out of
the question before it is embedded, stored as a template, and bound again on the way out.
"""

import hashlib
import re
import sqlite3

import chromadb

SCHEMA = """
CREATE TABLE harvest (orchard TEXT, fruit TEXT, year INTEGER, crates INTEGER);
CREATE TABLE picker (name TEXT, orchard TEXT);
"""
ROWS = [
    ("Northfield", "apple", 2023, 410), ("Northfield", "apple", 2024, 380), ("Northfield", "pear", 2024, 95),
    ("Old Mill", "apple", 2024, 220), ("Old Mill", "plum", 2023, 61),
]
KNOWN_NAMES = ("Northfield", "Old Mill", "apple", "pear", "plum")

LITERAL = re.compile(r"\b(?:%s)s?\b|\b\d+\b" % "|".join(map(re.escape, KNOWN_NAMES)), re.IGNORECASE)


def cut_literals(question):
    """'apples from Old Mill in 2024' -> ('<text> from <text> in <number>', ['apple', 'Old Mill', 2024])"""
    values = []

    def replace(match):
        found = match.group()
        if found.isdigit():
            values.append(int(found))
            return "<number>"
        singular = found[:-1] if found.lower().rstrip("s") in ("apple", "pear", "plum") and found.endswith("s") else found
        values.append(next(n for n in KNOWN_NAMES if n.lower() == singular.lower()))
        return "<text>"

    return LITERAL.sub(replace, question), values


def signature(values):
    return "".join("n" if isinstance(v, int) else "t" for v in values) or "-"


def embed(template):
    """Position-free word counts over 128 slots, md5 for a hash that is the same on every machine."""
    slots = [0.001] * 128
    for word in re.findall(r"<?[a-z]+>?", template.lower()):
        if word in {"the", "of", "from", "in", "were", "there", "did", "we", "a", "at", "for", "us", "me"}:
            continue
        slots[hashlib.md5(word.encode()).digest()[1] % 128] += 1
    return slots


class SqlCache:
    def __init__(self, client, schema, translate):
        self.fingerprint = hashlib.sha256(" ".join(schema.split()).encode()).hexdigest()[:12]
        self.templates = client.get_or_create_collection("sql_templates", configuration={"hnsw": {"space": "cosine"}})
        self.translate = translate
        # Translations for another schema are not only useless, they may still parse.
        self.dropped = self.templates.delete(where={"schema": {"$ne": self.fingerprint}})["deleted"]

    def sql_for(self, question):
        template, values = cut_literals(question)
        guard = {"$and": [{"schema": self.fingerprint}, {"signature": signature(values)}]}
        # where_document is the third guard: a question about an average must meet a template with one.
        aggregate = next((w for w in ("average", "how many", "which") if w in template.lower()), None)
        near = self.templates.query(
            query_embeddings=embed(template),
            n_results=1,
            where=guard,
            where_document={"$contains": aggregate} if aggregate else {"$not_contains": "average"},
            include=["metadatas", "documents", "distances"],
        )
        if near["ids"][0] and near["distances"][0][0] < 0.3:
            return near["metadatas"][0][0]["sql"], values, True
        sql = self.translate(template)
        self.templates.add(
            ids=[hashlib.sha256((self.fingerprint + template).encode()).hexdigest()[:16]],
            embeddings=[embed(template)],
            documents=[template.lower()],
            metadatas=[{"sql": sql, "schema": self.fingerprint, "signature": signature(values)}],
        )
        return sql, values, False


def slow_translator(calls):
    """Stands for a language model; returns SQL with one ? per literal, in order of appearance."""
    book = {
        "how many crates of <text> were picked in <number>?": "SELECT SUM(crates) FROM harvest WHERE fruit = ? AND year = ?",
        "average crates of <text> in <number>": "SELECT AVG(crates) FROM harvest WHERE fruit = ? AND year = ?",
        "which orchards grow <text>?": "SELECT DISTINCT orchard FROM harvest WHERE fruit = ? ORDER BY orchard",
    }

    def translate(template):
        calls.append(template)
        return book[template.lower()]

    return translate


def main():
    database = sqlite3.connect(":memory:")
    database.executescript(SCHEMA)
    database.executemany("INSERT INTO harvest VALUES (?, ?, ?, ?)", ROWS)

    calls = []
    client = chromadb.EphemeralClient()
    cache = SqlCache(client, SCHEMA, slow_translator(calls))

    def ask(question):
        sql, values, hit = cache.sql_for(question)
        answer = [row[0] for row in database.execute(sql, values)]
        print(f"{'hit ' if hit else 'miss'} {question:<52} {answer}")
        return answer, hit

    assert ask("How many crates of apples were picked in 2024?") == ([600], False)
    assert ask("How many crates of apples were picked in 2023?") == ([410], True), "the same template, another year"
    assert ask("how many crates of plums did we pick in 2023") == ([61], True)

    # One word apart, but a different computation.
    average, hit = ask("Average crates of apples in 2024")
    assert not hit and average == [300]

    # One literal fewer means another signature, so the number cannot be bound to the wrong place.
    assert ask("Which orchards grow apples?") == (["Northfield", "Old Mill"], False)
    assert ask("which orchards grow pears?") == (["Northfield"], True)
    assert len(calls) == 3

    stored = cache.templates.get(where={"signature": {"$in": ["tn", "t"]}}, include=["documents"])
    assert len(stored["ids"]) == 3 and not any("apple" in d or "2024" in d for d in stored["documents"])

    # A migration changes the fingerprint; the next start clears what was translated for the old schema.
    migrated = SqlCache(client, SCHEMA.replace("crates INTEGER", "crates INTEGER, organic INTEGER"), slow_translator(calls))
    print("dropped after the migration:", migrated.dropped)
    assert migrated.dropped == 3 and migrated.templates.count() == 0
    database.close()


if __name__ == "__main__":
    main()
