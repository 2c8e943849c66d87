"""Translate LangChain's structured queries into Chroma filters: a self-query retriever for films, without the LLM."""
import re
from dataclasses import dataclass
from enum import Enum
from typing import List, Optional, Union

import chromadb

# langchain_core.structured_query has these names; stand-ins are used when it is not installed
try:
    from langchain_core.structured_query import Comparator, Comparison, Operation, Operator, StructuredQuery, Visitor
except ImportError:
    class Comparator(str, Enum):
        EQ, NE, GT, GTE, LT, LTE = 'eq', 'ne', 'gt', 'gte', 'lt', 'lte'
        IN, NIN, CONTAIN, LIKE = 'in', 'nin', 'contain', 'like'

    class Operator(str, Enum):
        AND, OR, NOT = 'and', 'or', 'not'

    @dataclass
    class Comparison:
        comparator: Comparator
        attribute: str
        value: object

        def accept(self, visitor):
            return visitor.visit_comparison(self)

    @dataclass
    class Operation:
        operator: Operator
        arguments: list

        def accept(self, visitor):
            return visitor.visit_operation(self)

    @dataclass
    class StructuredQuery:
        query: str
        filter: Optional[Union[Comparison, Operation]]
        limit: Optional[int]

        def accept(self, visitor):
            return visitor.visit_structured_query(self)

    class Visitor:
        pass


class ChromaFilterTranslator(Visitor):
    """Structured query -> keyword arguments of Collection.query."""

    comparators = {
        Comparator.EQ: '$eq', Comparator.NE: '$ne', Comparator.GT: '$gt', Comparator.GTE: '$gte',
        Comparator.LT: '$lt', Comparator.LTE: '$lte', Comparator.IN: '$in', Comparator.NIN: '$nin',
        Comparator.CONTAIN: '$contains',  # on metadata arrays
    }
    # Chroma has no $not: push it down to the leaves
    opposites = {
        '$eq': '$ne', '$ne': '$eq', '$gt': '$lte', '$lte': '$gt', '$lt': '$gte', '$gte': '$lt',
        '$in': '$nin', '$nin': '$in', '$contains': '$not_contains', '$not_contains': '$contains',
    }

    def visit_comparison(self, comparison):
        try:
            operator = self.comparators[comparison.comparator]
        except KeyError:
            raise ValueError(f'Chroma cannot compare with {comparison.comparator.value!r}') from None
        return {comparison.attribute: {operator: comparison.value}}

    def visit_operation(self, operation):
        parts = [argument.accept(self) for argument in operation.arguments]
        if operation.operator is Operator.NOT:
            if len(parts) != 1:
                raise ValueError('not takes one argument')
            return self._negate(parts[0])
        # $and and $or need two operands or more
        return parts[0] if len(parts) == 1 else {f'${operation.operator.value}': parts}

    def _negate(self, where):
        (key, value), = where.items()
        if key in ('$and', '$or'):
            return {'$or' if key == '$and' else '$and': [self._negate(part) for part in value]}
        (operator, operand), = value.items()
        return {key: {self.opposites[operator]: operand}}

    def visit_structured_query(self, structured):
        kwargs = {} if structured.filter is None else {'where': structured.filter.accept(self)}
        if structured.limit is not None:
            kwargs['n_results'] = structured.limit
        return structured.query, kwargs


def parse(question: str) -> StructuredQuery:
    """What the LLM does in the real chain: "heist before 1980 by Melville, top 2" -> a StructuredQuery."""
    rules = [
        (r'before (\d{4})', lambda m: Comparison(Comparator.LT, 'year', int(m[1]))),
        (r'since (\d{4})', lambda m: Comparison(Comparator.GTE, 'year', int(m[1]))),
        (r'not by (\w+)', lambda m: Operation(Operator.NOT, [Comparison(Comparator.EQ, 'director', m[1])])),
        (r'(?<!not )by (\w+)', lambda m: Comparison(Comparator.EQ, 'director', m[1])),
        (r'starring (\w+)', lambda m: Comparison(Comparator.CONTAIN, 'cast', m[1])),
    ]
    found: List = []
    limit = None
    for pattern, build in rules:
        for match in re.finditer(pattern, question):
            found.append(build(match))
    if top := re.search(r'top (\d+)', question):
        limit = int(top[1])
    plain = re.sub(r'|'.join([pattern for pattern, _ in rules] + [r'top \d+', ',']), ' ', question)
    condition = None if not found else Operation(Operator.AND, found)
    return StructuredQuery(query=' '.join(plain.split()), filter=condition, limit=limit)


class FilmRetriever:
    """Same surface as a BaseRetriever: invoke(question) -> documents."""

    THEMES = ('heist', 'ghost', 'train', 'robot', 'love')

    def __init__(self, collection, default_k=3):
        self.collection = collection
        self.default_k = default_k
        self.translator = ChromaFilterTranslator()

    @classmethod
    def embed(cls, text):
        return [0.1 + text.lower().count(theme) for theme in cls.THEMES]

    def add(self, title, plot, **metadata):
        self.collection.add(ids=title, documents=plot, embeddings=self.embed(plot), metadatas=metadata)

    def invoke(self, question):
        query, kwargs = parse(question).accept(self.translator)
        kwargs.setdefault('n_results', self.default_k)
        result = self.collection.query(query_embeddings=self.embed(query), **kwargs)
        return result['ids'][0]


def main():
    client = chromadb.EphemeralClient()
    films = FilmRetriever(client.create_collection('films', embedding_function=None))
    films.add('Le Cercle Rouge', 'A heist in Place Vendome.', year=1970, director='Melville', cast=['Delon', 'Montand'])
    films.add('Un Flic', 'A heist on a moving train.', year=1972, director='Melville', cast=['Delon', 'Deneuve'])
    films.add('Rififi', 'A silent heist.', year=1955, director='Dassin', cast=['Servais'])
    films.add('Heat', 'One heist too many.', year=1995, director='Mann', cast=['Pacino', 'De Niro'])
    films.add('Kwaidan', 'Four ghost stories.', year=1964, director='Kobayashi', cast=['Mikuni'])
    films.add('Wall-E', 'A robot in love with a robot.', year=2008, director='Stanton', cast=['Burtt'])

    assert set(films.invoke('a heist before 1980 by Melville')) == {'Le Cercle Rouge', 'Un Flic'}
    assert films.invoke('heist train, starring Delon, top 1') == ['Un Flic']
    assert set(films.invoke('heist not by Melville, before 2000, top 2')) == {'Rififi', 'Heat'}
    assert films.invoke('robot love, top 1') == ['Wall-E']
    assert films.invoke('ghost since 1990 by Kobayashi') == []

    # De Morgan, all the way down
    query, kwargs = StructuredQuery(
        query='anything',
        filter=Operation(Operator.NOT, [Operation(Operator.OR, [
            Comparison(Comparator.IN, 'director', ['Melville', 'Mann']),
            Comparison(Comparator.GT, 'year', 2000),
        ])]),
        limit=None,
    ).accept(films.translator)
    assert kwargs == {'where': {'$and': [{'director': {'$nin': ['Melville', 'Mann']}}, {'year': {'$lte': 2000}}]}}
    rest = films.collection.get(**kwargs, include=['metadatas'])
    assert sorted(rest['ids']) == ['Kwaidan', 'Rififi']

    try:
        Comparison(Comparator.LIKE, 'director', 'Mel%').accept(films.translator)
    except ValueError as error:
        print('refused:', error)
    else:
        raise AssertionError('Chroma has no LIKE')
    print('heists by Melville:', ', '.join(films.invoke('heist by Melville')))


if __name__ == '__main__':
    main()
