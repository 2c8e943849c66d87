"""Command line wine cellar: argparse sub-commands over a Chroma collection, with filters parsed from `key>=value`.

    cellar.py add "Barolo Cannubi" --style red --year 2016 --notes "tar, rose, cherry"
    cellar.py find "cherry and rose" --if "style=red" --if "year<=2018"
    cellar.py drink barolo-cannubi-2016
"""
import argparse
import contextlib
import io
import re
import sys
import tempfile

import chromadb

NOTES = ["cherry", "rose", "tar", "plum", "oak", "vanilla", "citrus", "mineral", "honey", "apple", "smoke", "pepper", "brioche"]
OPERATORS = {"=": "$eq", "!=": "$ne", ">": "$gt", ">=": "$gte", "<": "$lt", "<=": "$lte"}
CONDITION = re.compile(r"^(\w+)\s*(!=|>=|<=|=|>|<)\s*(.+)$")


def tasting_vector(notes):
    """Position i is 1 if note i is named; 'citrus and lots of oak' works as well as 'citrus, oak'."""
    vector = [1.0 if re.search(rf"\b{n}", notes.lower()) else 0.0 for n in NOTES]
    if not any(vector):
        raise SystemExit(f"error: no known tasting note in {notes!r} (I know: {', '.join(NOTES)})")
    return vector


def parse_condition(text):
    """'year>=2010' -> {'year': {'$gte': 2010}}; 'style=red,white' -> {'style': {'$in': ['red', 'white']}}"""
    match = CONDITION.match(text)
    if not match:
        raise argparse.ArgumentTypeError(f"not a condition: {text!r}")
    key, op, raw = match.groups()
    values = [int(v) if v.lstrip("-").isdigit() else v for v in raw.split(",")]
    if len(values) > 1:
        if op not in ("=", "!="):
            raise argparse.ArgumentTypeError("a list goes with = and != only")
        return {key: {"$in" if op == "=" else "$nin": values}}
    return {key: {OPERATORS[op]: values[0]}}


def combine(conditions):
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else {"$and": conditions}


def cmd_add(cellar, args):
    wine_id = f"{re.sub(r'[^a-z0-9]+', '-', args.name.lower())}-{args.year}"
    known = cellar.get(ids=wine_id)
    bottles = args.bottles + (known["metadatas"][0]["bottles"] if known["ids"] else 0)
    cellar.upsert(
        ids=wine_id,
        documents=f"{args.name} {args.year}",
        embeddings=tasting_vector(args.notes),
        metadatas={"style": args.style, "year": args.year, "bottles": bottles, "price": args.price},
    )
    print(f"{wine_id}: {bottles} bottle(s)")


def cmd_find(cellar, args):
    result = cellar.query(
        query_embeddings=[tasting_vector(args.notes)],
        n_results=args.count,
        where=combine(args.conditions),
        include=["documents", "metadatas", "distances"],
    )
    for name, meta, distance in zip(result["documents"][0], result["metadatas"][0], result["distances"][0]):
        print(f"{1 - distance:5.2f}  {name:<28} {meta['style']:<6} {meta['bottles']:>2} x {meta['price']:.2f}")
    return 0 if result["ids"][0] else 1


def cmd_list(cellar, args):
    rows = cellar.get(where=combine(args.conditions), limit=args.limit, offset=args.offset)
    for wine_id, meta in sorted(zip(rows["ids"], rows["metadatas"]), key=lambda r: r[1][args.sort]):
        print(f"{wine_id:<32} {meta['bottles']:>3}")


def cmd_drink(cellar, args):
    rows = cellar.get(ids=[args.wine])
    if not rows["ids"]:
        print(f"no such wine: {args.wine}", file=sys.stderr)
        return 2
    left = rows["metadatas"][0]["bottles"] - 1
    if left:
        cellar.update(ids=[args.wine], metadatas=[{"bottles": left}])
    else:
        cellar.delete(ids=[args.wine])
    print(f"cheers - {left or 'none'} left")


def build_parser():
    parser = argparse.ArgumentParser(prog="cellar", description="A wine cellar with a nose.")
    parser.add_argument("--db", default="./cellar", help="folder of the database")
    commands = parser.add_subparsers(dest="command", required=True)

    filters = argparse.ArgumentParser(add_help=False)
    filters.add_argument("--if", dest="conditions", action="append", type=parse_condition, default=[], metavar="KEY<=VALUE")

    add = commands.add_parser("add", help="put bottles into the cellar")
    add.add_argument("name")
    add.add_argument("--style", choices=["red", "white", "sparkling"], required=True)
    add.add_argument("--year", type=int, required=True)
    add.add_argument("--notes", required=True)
    add.add_argument("--bottles", type=int, default=1)
    add.add_argument("--price", type=float, default=0.0)
    add.set_defaults(run=cmd_add)

    find = commands.add_parser("find", parents=[filters], help="search by taste")
    find.add_argument("notes")
    find.add_argument("-n", "--count", type=int, default=5)
    find.set_defaults(run=cmd_find)

    listing = commands.add_parser("list", parents=[filters])
    listing.add_argument("--sort", choices=["year", "bottles", "price"], default="year")
    listing.add_argument("--limit", type=int)
    listing.add_argument("--offset", type=int)
    listing.set_defaults(run=cmd_list)

    drink = commands.add_parser("drink", help="take one bottle out")
    drink.add_argument("wine")
    drink.set_defaults(run=cmd_drink)
    return parser


def main(argv=None):
    args = build_parser().parse_args(argv)
    with chromadb.PersistentClient(path=args.db) as client:
        cellar = client.get_or_create_collection("cellar", configuration={"hnsw": {"space": "cosine"}})
        return args.run(cellar, args) or 0


def selftest():
    with tempfile.TemporaryDirectory() as tmp:
        def cellar(*argv):
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                try:
                    code = main(["--db", tmp, *argv])
                except SystemExit as stop:
                    code = stop.code
            return code, out.getvalue()

        for name, style, year, notes, bottles, price in (
            ("Barolo Cannubi", "red", "2016", "tar rose cherry", "2", "62"),
            ("Rioja Reserva", "red", "2017", "plum oak vanilla", "6", "18"),
            ("Riesling Spatlese", "white", "2019", "citrus honey mineral", "3", "21"),
            ("Blanc de Blancs", "sparkling", "2015", "brioche apple citrus", "1", "45"),
        ):
            facts = ["--style", style, "--year", year, "--notes", notes, "--bottles", bottles, "--price", price]
            assert cellar("add", name, *facts)[0] == 0
        more = cellar("add", "Rioja Reserva", "--style", "red", "--year", "2017", "--notes", "plum", "--price", "18")
        assert more[1] == "rioja-reserva-2017: 7 bottle(s)\n"

        code, text = cellar("find", "something with cherry and rose", "--if", "style=red", "--if", "year<=2018")
        assert code == 0 and text.splitlines()[0].split()[1:3] == ["Barolo", "Cannubi"]
        print(text, end="")
        assert "Barolo" not in cellar("find", "cherry", "--if", "style=white,sparkling")[1]
        assert cellar("find", "cherry", "--if", "year>2030")[0] == 1
        assert cellar("find", "cherry", "--if", "year>2000,2001")[0] == 2, "argparse reports the bad condition"
        assert "no known tasting note" in str(cellar("find", "wet dog")[0])
        assert cellar("drink", "blanc-de-blancs-2015")[1] == "cheers - none left\n"
        assert cellar("drink", "blanc-de-blancs-2015")[0] == 2
        listed = cellar("list", "--sort", "bottles", "--if", "bottles!=3")[1].split()
        assert listed == ["barolo-cannubi-2016", "2", "rioja-reserva-2017", "7"]


if __name__ == "__main__":
    selftest() if len(sys.argv) == 1 else sys.exit(main())
