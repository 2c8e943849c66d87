"""A little filter language for a wine cellar, compiled to where filters.

    country = France and vintage >= 2005 and not (grape in [merlot, gamay] or empty = yes)

A tokenizer and a recursive-descent parser do the work.  Since chromadb knows no $not, the
compiler carries negation down to the comparisons (De Morgan), where each operator has an opposite.
"""
import re
import sys

import chromadb

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>-?\d+(?:\.\d+)?)\b
    | (?P<string>"[^"]*"|'[^']*')
    | (?P<symbol><=|>=|!=|[=<>()\[\],])
    | (?P<word>[^\W\d][\w-]*)
    )""",
    re.VERBOSE,
)
KEYWORDS = {"and", "or", "not", "in", "has", "yes", "no"}
OPPOSITE = {
    "$eq": "$ne", "$ne": "$eq", "$in": "$nin", "$nin": "$in", "$gt": "$lte", "$lte": "$gt",
    "$lt": "$gte", "$gte": "$lt", "$contains": "$not_contains", "$not_contains": "$contains",
}
SYMBOLS = {"=": "$eq", "!=": "$ne", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}


class FilterSyntaxError(Exception):
    def __init__(self, message, position):
        super().__init__(f"{message} at column {position + 1}")
        self.position = position


def tokenize(source):
    position, tokens = 0, []
    source = source.rstrip()
    while position < len(source):
        match = TOKEN.match(source, position)
        if not match:
            raise FilterSyntaxError(f"cannot read {source[position:].strip()[:8]!r}", position)
        kind = match.lastgroup
        text, column = match.group(kind), match.start(kind)
        if kind == "word" and text.lower() in KEYWORDS:
            kind, text = "keyword", text.lower()
        tokens.append((kind, text, column))
        position = match.end()
    tokens.append(("end", "the end", len(source)))
    return tokens


class Compiler:
    """expression := term {'or' term};  term := factor {'and' factor};  factor := 'not' factor | ..."""

    def __init__(self, source):
        self.tokens = tokenize(source)
        self.at = 0

    def compile(self):
        where = self.expression(negated=False)
        self.expect("end")
        return where

    # -- helpers --------------------------------------------------------------------------------
    def take(self, *texts):
        kind, text, _ = self.tokens[self.at]
        if kind in ("symbol", "keyword") and text in texts:
            self.at += 1
            return text
        return None

    def expect(self, *wanted):
        kind, text, position = self.tokens[self.at]
        if kind not in wanted and text not in wanted:
            raise FilterSyntaxError(f"expected {' or '.join(wanted)}, found {text!r}", position)
        self.at += 1
        return kind, text

    # -- grammar --------------------------------------------------------------------------------
    def expression(self, negated):
        return self.chain("or", self.term, negated)

    def term(self, negated):
        return self.chain("and", self.factor, negated)

    def chain(self, joiner, part, negated):
        parts = [part(negated)]
        while self.take(joiner):
            parts.append(part(negated))
        if len(parts) == 1:
            return parts[0]  # $and and $or refuse a single condition
        and_or = "$and" if (joiner == "and") != negated else "$or"
        return {and_or: parts}

    def factor(self, negated):
        if self.take("not"):
            return self.factor(not negated)
        if self.take("("):
            inner = self.expression(negated)
            self.expect(")")
            return inner
        return self.comparison(negated)

    def comparison(self, negated):
        _, key = self.expect("word")
        if self.take("in"):
            operator, value = "$in", self.list()
        elif self.take("has"):
            operator, value = "$contains", self.value()
        else:
            _, symbol = self.expect(*SYMBOLS, "in", "has")
            operator, value = SYMBOLS[symbol], self.value()
        return {key: {OPPOSITE[operator] if negated else operator: value}}

    def value(self):
        if boolean := self.take("yes", "no"):
            return boolean == "yes"
        kind, text = self.expect("number", "string", "word")
        if kind == "number":
            return float(text) if "." in text else int(text)
        return text.strip("\"'")

    def list(self):
        self.expect("[")
        values = [self.value()]
        while self.take(","):
            values.append(self.value())
        self.expect("]")
        return values


CELLAR = {
    "margaux": dict(country="France", grape="cabernet", vintage=2005, price=310.0, dishes=["lamb", "beef"]),
    "beaujolais": dict(country="France", grape="gamay", vintage=2021, price=9.5, dishes=["cheese"]),
    "barolo": dict(country="Italy", grape="nebbiolo", vintage=2013, price=62.0, dishes=["beef", "truffle"]),
    "pomerol": dict(country="France", grape="merlot", vintage=2009, price=120.0, dishes=["duck"], empty=True),
    "riesling": dict(country="Germany", grape="riesling", vintage=2018, price=14.0, dishes=["fish", "cheese"]),
    "vinho-verde": dict(country="Portugal", grape="alvarinho", vintage=2022, price=7.0),
}

QUESTIONS = {
    "country = France": {"margaux", "beaujolais", "pomerol"},
    "vintage >= 2009 and vintage < 2020": {"barolo", "pomerol", "riesling"},
    "dishes has cheese or dishes has 'truffle'": {"beaujolais", "riesling", "barolo"},
    "grape in [merlot, gamay] and empty = yes": {"pomerol"},
    "country = France and not (grape in [merlot, gamay] or empty = yes)": {"margaux"},
    "not (price < 10.0 or price > 100)": {"barolo", "riesling"},
    "not dishes has beef and price <= 9.5": {"beaujolais", "vinho-verde"},
    "not not country != France": {"barolo", "riesling", "vinho-verde"},
}


def main():
    cellar = chromadb.EphemeralClient().create_collection("wine-cellar")
    cellar.add(
        ids=list(CELLAR),
        embeddings=[[facts["vintage"] - 2000, facts["price"]] for facts in CELLAR.values()],
        metadatas=list(CELLAR.values()),
    )
    for question, expected in QUESTIONS.items():
        where = Compiler(question).compile()
        found = set(cellar.get(where=where, include=[])["ids"])
        assert found == expected, (question, where, found)
        print(f"{question:<68} {sorted(found)}")

    for broken in ("country =", "vintage => 2000", "(price < 3", "price < 3 vintage = 4", "grape in []", "a = #"):
        try:
            Compiler(broken).compile()
        except FilterSyntaxError as error:
            print(f"{broken:<24} {error}", file=sys.stdout)
        else:
            raise AssertionError(broken)


if __name__ == "__main__":
    main()
