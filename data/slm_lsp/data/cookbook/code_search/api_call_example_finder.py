"""Collect every call of every function in a code base, so that "how do we call this?" is answered with real examples.

Each function body is one record. Its metadata lists what it calls and with which keyword
arguments, as arrays; its vector is built from the calls too, so that functions doing the
same kind of work are neighbours.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import itertools
import operator
import textwrap
from typing import TypeAlias

import chromadb
from chromadb.api.types import Metadata, Where

FILES = {
    "shop/orders.py": """
        def place(cart, customer):
            with db.transaction(isolation="serializable") as tx:
                order = tx.insert("orders", customer=customer.id)
                for item in cart:
                    tx.insert("lines", order=order, sku=item.sku, quantity=item.quantity)
            mail.send(customer.email, template="order-placed", order=order)
            return order

        def cancel(order):
            with db.transaction() as tx:
                tx.update("orders", order, status="cancelled")
            mail.send(order.email, template="order-cancelled")
    """,
    "shop/stock.py": """
        def reserve(sku, quantity):
            with db.transaction(isolation="serializable") as tx:
                left = tx.select("stock", sku=sku, lock=True)
                if left < quantity:
                    raise SoldOut(sku)
                tx.update("stock", sku, left=left - quantity)

        def nightly_report():
            rows = db.query("select * from stock", timeout=30)
            mail.send("stock@shop.example", template="report", attach=to_csv(rows))
    """,
    "shop/web.py": """
        def order_page(request):
            customer = sessions.load(request.cookies["sid"], refresh=True)
            order = place(customer.cart, customer)
            cache.delete(f"cart:{customer.id}")
            return render("thanks.html", order=order)

        def product_page(request, sku):
            product = cache.get(f"product:{sku}", default=None)
            if product is None:
                product = db.query("select * from products where sku = ?", sku, timeout=5)
                cache.set(f"product:{sku}", product, expire=300)
            return render("product.html", product=product)
    """,
}

Calls: TypeAlias = list[tuple[str, list[str]]]


def calls_in(function: ast.FunctionDef) -> Calls:
    """[('db.transaction', ['isolation']), ...] in order of appearance."""
    found = []
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            found.append((ast.unparse(node.func), [k.arg for k in node.keywords if k.arg]))
    return found


def one_hot(token: str, size: int) -> list[float]:
    slot = int(hashlib.sha256(token.encode()).hexdigest(), 16) % size
    return [1.0 if n == slot else 0.0 for n in range(size)]


def embed_calls(calls: Calls, size: int = 144) -> list[float]:
    """A call counts for its full name, for its last part and, a little, for its object."""
    if not calls:
        return [1.0] * size
    parts = itertools.chain.from_iterable(
        [(name, 1.0), (name.rpartition(".")[2], 0.7), (name.partition(".")[0], 0.4)] for name, _ in calls
    )
    rows = ([weight * x for x in one_hot(token, size)] for token, weight in parts)
    return functools.reduce(lambda a, b: list(map(operator.add, a, b)), rows)


def record(path: str, function: ast.FunctionDef, source: str) -> tuple[str, str, Metadata, list[float]]:
    calls = calls_in(function)
    metadata: dict = {"path": path, "function": function.name, "line": function.lineno, "call_count": len(calls)}
    # "mail.send" and "mail.send:template" live in one array: a call with a keyword is a stronger claim.
    names = [name for name, _ in calls] + [f"{name}:{kw}" for name, keywords in calls for kw in keywords]
    if names:
        metadata["calls"] = list(dict.fromkeys(names))
    code = ast.get_source_segment(source, function) or ""
    return f"{path}:{function.name}", code, metadata, embed_calls(calls)


def index_code(collection: chromadb.Collection, files: dict[str, str]) -> None:
    records = []
    for path, text in files.items():
        source = textwrap.dedent(text)
        records += [record(path, n, source) for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
    ids, documents, metadatas, embeddings = map(list, zip(*records))
    collection.upsert(ids=ids, documents=documents, metadatas=metadatas, embeddings=embeddings)


def examples(collection: chromadb.Collection, call: str, *keywords: str, without: str | None = None) -> list[str]:
    """Real lines that call something, optionally with (or without) certain keyword arguments."""
    rules: list[Where] = [{"calls": {"$contains": call}}]
    rules += [{"calls": {"$contains": f"{call}:{keyword}"}} for keyword in keywords]
    if without:
        rules.append({"calls": {"$not_contains": f"{call}:{without}"}})
    rows = collection.get(where={"$and": rules} if len(rules) > 1 else rules[0], include=["documents"])
    lines = (line.strip() for code in rows["documents"] for line in code.splitlines())
    return [line for line in lines if f"{call}(" in line]


def keywords_of(collection: chromadb.Collection, call: str) -> dict[str, int]:
    """How often each keyword argument is used with a call: the house style, counted."""
    rows = collection.get(where={"calls": {"$contains": call}}, include=["metadatas"])
    used: dict[str, int] = {}
    for entry in itertools.chain.from_iterable(m["calls"] for m in rows["metadatas"]):
        name, _, keyword = entry.partition(":")
        if name == call and keyword:
            used[keyword] = used.get(keyword, 0) + 1
    return dict(sorted(used.items(), key=lambda item: (-item[1], item[0])))


def works_like(collection: chromadb.Collection, function_id: str, n: int = 2) -> list[str]:
    me = collection.get(ids=[function_id], include=["embeddings"])
    near = collection.query(query_embeddings=me["embeddings"], n_results=n + 1, where={"call_count": {"$gt": 0}}, include=[])
    return [i for i in near["ids"][0] if i != function_id][:n]


def main() -> None:
    client = chromadb.EphemeralClient()
    code = client.create_collection("call-sites", configuration={"hnsw": {"space": "cosine"}}, metadata={"language": "python"})
    index_code(code, FILES)
    assert code.count() == 6

    print("db.transaction with an isolation level:")
    for line in examples(code, "db.transaction", "isolation"):
        print("   ", line)
    assert len(examples(code, "db.transaction", "isolation")) == 2
    assert examples(code, "db.transaction", without="isolation") == ["with db.transaction() as tx:"]
    assert examples(code, "cache.set", "expire")[0].endswith("expire=300)")
    assert examples(code, "requests.get") == []

    print("keywords of mail.send:", keywords_of(code, "mail.send"))
    assert keywords_of(code, "mail.send") == {"template": 3, "attach": 1, "order": 1}

    print("works like cancel():", works_like(code, "shop/orders.py:cancel"))
    assert "shop/stock.py:reserve" in works_like(code, "shop/orders.py:cancel")

    # A lint rule that is one filter: queries outside of a transaction need a timeout.
    loose = code.get(where={"$and": [{"calls": {"$contains": "db.query"}}, {"calls": {"$not_contains": "db.query:timeout"}}]})
    assert loose["ids"] == []
    FILES["shop/admin.py"] = "\n        def purge():\n            db.query('delete from carts')\n"
    index_code(code, FILES)
    loose = code.get(where={"$and": [{"calls": {"$contains": "db.query"}}, {"calls": {"$not_contains": "db.query:timeout"}}]})
    print("query without a timeout:", loose["ids"])
    assert loose["ids"] == ["shop/admin.py:purge"] and code.count() == 7

    # The text filter sees the source itself, down to the string literals.
    sql = code.get(where_document={"$regex": r"(?i)['\"](select|delete)\s"}, include=[])
    assert set(sql["ids"]) == {"shop/stock.py:nightly_report", "shop/web.py:product_page", "shop/admin.py:purge"}


if __name__ == "__main__":
    main()
