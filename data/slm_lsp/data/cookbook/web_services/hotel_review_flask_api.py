'''Flask API for hotel reviews: an application factory around a Chroma collection, with paging and JSON errors.'''
import math
import tempfile
from collections import Counter

import chromadb

try:
    from flask import Flask, current_app, jsonify, request
except ImportError:
    from urllib.parse import parse_qsl, urlsplit

    # A pocket Flask: one global request, routes with <converter:name>, a test client.
    class _Request:
        args, body = {}, None

        def get_json(self, silent=False):
            return self.body

    class _Args(dict):
        def get(self, key, default=None, type=str):
            return type(self[key]) if key in self else default

    request, current_app = _Request(), None

    def jsonify(payload=None, **kw):
        return payload if payload is not None else kw

    class Flask:
        def __init__(self, import_name):
            self.config, self.extensions, self.table, self.handlers = {}, {}, [], {}

        def route(self, rule, methods=('GET',)):
            parts = [p[1:-1].split(':')[-1] if p[:1] == '<' else '/' + p for p in rule.strip('/').split('/')]
            return lambda view: self.table.append((methods, parts, view)) or view

        def errorhandler(self, kind):
            return lambda view: self.handlers.setdefault(kind, view)

        def test_client(self):
            return self

        def open(self, url, method='GET', json=None):
            global current_app
            current_app, split = self, urlsplit(url)
            request.args, request.body = _Args(parse_qsl(split.query)), json
            given = split.path.strip('/').split('/')
            for methods, parts, view in self.table:
                if method in methods and len(parts) == len(given) and all(p[0] != '/' or p[1:] == g for p, g in zip(parts, given)):
                    try:
                        result = view(**{p: g for p, g in zip(parts, given) if p[0] != '/'})
                    except tuple(self.handlers) as error:
                        result = next(h for k, h in self.handlers.items() if isinstance(error, k))(error)
                    body, status = result if isinstance(result, tuple) else (result, 200)
                    return type('Response', (), {'status_code': status, 'get_json': lambda self: body})()
            raise LookupError(url)

        def get(self, url):
            return self.open(url)

        def post(self, url, json):
            return self.open(url, 'POST', json)

        def delete(self, url):
            return self.open(url, 'DELETE')


class BadInput(ValueError):
    pass


def embed(text, dim=128):
    '''TF over hashed words, log scaled. hash() of str is salted per process, so we do without it.'''
    vec = [0.0] * dim
    for word, n in Counter(text.lower().replace('.', ' ').replace(',', ' ').split()).items():
        vec[sum(ord(c) * 31 ** i for i, c in enumerate(word)) % dim] += 1 + math.log(n)
    return vec


def create_app(path):
    app = Flask(__name__)
    client = chromadb.PersistentClient(path=path)
    # Flask keeps extension objects here; views reach it through current_app.
    app.extensions['chroma'] = client
    app.extensions['reviews'] = client.get_or_create_collection('reviews', configuration={'hnsw': {'space': 'cosine'}})

    @app.errorhandler(BadInput)
    def bad_input(error):
        return jsonify(error=str(error)), 400

    @app.errorhandler(chromadb.errors.ChromaError)
    def storage_trouble(error):
        # A wrong embedding size, a closed database ...: ours, not the caller's.
        return jsonify(error=error.name()), 500

    @app.route('/hotels/<hotel>/reviews', methods=['POST'])
    def write(hotel):
        data = request.get_json(silent=True) or {}
        if not data.get('text'):
            raise BadInput('text is required')
        stars = data.get('stars')
        if not isinstance(stars, int) or not 1 <= stars <= 5:
            raise BadInput('stars must be 1..5')
        reviews = current_app.extensions['reviews']
        number = len(reviews.get(where={'hotel': hotel}, include=[])['ids']) + 1
        rid = f'{hotel}-{number}'
        reviews.add(ids=[rid], documents=[data['text']], embeddings=[embed(data['text'])],
                    metadatas=[{'hotel': hotel, 'stars': stars, 'lang': data.get('lang', 'en')}])
        return jsonify(id=rid), 201

    @app.route('/hotels/<hotel>/reviews')
    def browse(hotel):
        page = request.args.get('page', 1, type=int)
        size = min(request.args.get('size', 2, type=int), 100)
        rows = current_app.extensions['reviews'].get(
            where={'hotel': hotel}, limit=size, offset=(page - 1) * size, include=['documents', 'metadatas'])
        return jsonify(page=page, reviews=[
            {'id': i, 'text': d, 'stars': m['stars']} for i, d, m in zip(rows['ids'], rows['documents'], rows['metadatas'])])

    @app.route('/search')
    def search():
        q = request.args.get('q')
        if not q:
            raise BadInput('q is required')
        least = request.args.get('min_stars', 1, type=int)
        word = request.args.get('must_contain')
        hits = current_app.extensions['reviews'].query(
            query_embeddings=[embed(q)], n_results=3,
            where={'stars': {'$gte': least}},
            where_document={'$contains': word} if word else None,
        )
        return jsonify([{'id': i, 'hotel': m['hotel'], 'distance': round(d, 3)}
                        for i, m, d in zip(hits['ids'][0], hits['metadatas'][0], hits['distances'][0])])

    @app.route('/hotels/<hotel>', methods=['DELETE'])
    def close_hotel(hotel):
        return jsonify(current_app.extensions['reviews'].delete(where={'hotel': hotel}))

    return app


REVIEWS = [
    ('alpenhof', 5, 'Quiet rooms, a warm pool and the best breakfast of our trip.'),
    ('alpenhof', 2, 'The pool was closed and the breakfast cold.'),
    ('alpenhof', 4, 'Friendly staff, mountain view from the balcony.'),
    ('seaview', 5, 'Beach at the door, quiet at night.'),
    ('seaview', 1, 'Noisy street, noisy bar, no sleep.'),
]


def main():
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(folder)
        web = app.test_client()
        for hotel, stars, text in REVIEWS:
            assert web.post(f'/hotels/{hotel}/reviews', json={'stars': stars, 'text': text}).status_code == 201
        assert web.post('/hotels/seaview/reviews', json={'stars': 9, 'text': 'hm'}).status_code == 400
        assert web.get('/search').get_json() == {'error': 'q is required'}

        second = web.get('/hotels/alpenhof/reviews?page=2&size=2').get_json()
        assert [r['id'] for r in second['reviews']] == ['alpenhof-3']

        pool = web.get('/search?q=warm+pool+breakfast&min_stars=4').get_json()
        assert pool[0]['id'] == 'alpenhof-1' and all(h['id'] != 'alpenhof-2' for h in pool)
        quiet = web.get('/search?q=a+good+night&must_contain=quiet').get_json()
        assert [h['hotel'] for h in quiet] == ['seaview'], '$contains is case sensitive: "Quiet rooms" is no match'

        assert web.delete('/hotels/seaview').get_json() == {'deleted': 2}
        print(app.extensions['reviews'].count(), 'reviews left; best for a pool:', pool[0])
        app.extensions['chroma'].close()


if __name__ == '__main__':
    main()
