'''Audio-guide backend that streams its answers as server-sent events: retrieval from Chroma first, then words.

A real uvicorn server on loopback.  The first event carries the sources (retrieval is quick), the following ones
carry the text piece by piece, the way a language model would produce it; here a template stands in for the model.
'''
import asyncio, contextlib, json, threading
from dataclasses import dataclass
from urllib.parse import parse_qs

import chromadb, httpx, uvicorn
from chromadb.api.types import EmbeddingFunction

ROOMS = {
    'rosetta': ('The Rosetta Stone carries one decree in three scripts: hieroglyphic, Demotic and Greek.', 4, 'Egypt'),
    'mummy': ('The mummy of Katebet, a chantress of Amun, still wears her scarab and rings.', 63, 'Egypt'),
    'lewis': ('The Lewis chessmen were carved from walrus ivory, probably in Trondheim.', 40, 'Medieval'),
    'sutton': ('The Sutton Hoo helmet was found in pieces in a ship burial in Suffolk.', 41, 'Medieval'),
    'parthenon': ('The Parthenon frieze shows the procession of the Panathenaic festival.', 18, 'Greece'),
}


class WordOverlap(EmbeddingFunction):
    '''One dimension per word of the guide's own texts: the corpus is small and does not change at run time.'''

    STOP = set('the of a in and is was what which how who were one its from her to by did are'.split())

    def __init__(self, words):
        self.words = list(words)
        self.slot = {w: i for i, w in enumerate(self.words)}

    @classmethod
    def fitted(cls, texts):
        return cls(sorted({w for t in texts for w in cls.tokenise(t)}))

    @classmethod
    def tokenise(cls, text):
        cleaned = ''.join(c if c.isalnum() else ' ' for c in text.lower())
        return [w[:6] for w in cleaned.split() if w not in cls.STOP]

    def __call__(self, input):
        rows = []
        for text in input:
            # The last place keeps a text without known words from becoming a zero vector (no cosine).
            row = [0.0] * len(self.words) + [1e-3]
            for w in self.tokenise(text):
                if w in self.slot:
                    row[self.slot[w]] += 1.0
            rows.append(row)
        return rows

    def default_space(self):
        return 'cosine'

    @staticmethod
    def name():
        return 'word_overlap'

    def get_config(self):
        return {'words': self.words}

    @staticmethod
    def build_from_config(config):
        return WordOverlap(config['words'])


@dataclass
class Source:
    exhibit: str
    text: str
    room: int


def retrieve(guide, question, department=None):
    res = guide.query(query_texts=question, n_results=2, where={'department': department} if department else None)
    return [Source(i, d, m['room']) for i, d, m, dist in
            zip(res['ids'][0], res['documents'][0], res['metadatas'][0], res['distances'][0]) if dist < 0.9]


async def speak(sources):
    '''Stands in for a streaming language model.'''
    if not sources:
        yield 'I have nothing about that.'
        return
    for word in f'{sources[0].text} You find it in room {sources[0].room}.'.split(' '):
        await asyncio.sleep(0)
        yield word + ' '


class Guide:
    def __init__(self, collection):
        self.collection = collection

    async def __call__(self, scope, receive, send):
        if scope['type'] != 'http':
            return
        params = {k: v[0] for k, v in parse_qs(scope['query_string'].decode()).items()}

        async def event(kind, data, more=True):
            await send({'type': 'http.response.body', 'more_body': more,
                        'body': f'event: {kind}\ndata: {json.dumps(data)}\n\n'.encode()})

        await send({'type': 'http.response.start', 'status': 200, 'headers': [
            (b'content-type', b'text/event-stream'), (b'cache-control', b'no-store')]})
        try:
            sources = await asyncio.to_thread(retrieve, self.collection, params.get('q', ''), params.get('department'))
            await event('sources', [{'exhibit': s.exhibit, 'room': s.room} for s in sources])
            async for piece in speak(sources):
                await event('text', piece)
        except Exception as e:
            # The status line has gone out already: an error can only be one more event.
            await event('error', {'type': type(e).__name__, 'message': str(e)})
        await event('done', None, more=False)


@contextlib.contextmanager
def running(app):
    config = uvicorn.Config(app, host='127.0.0.1', port=0, log_level='error', lifespan='off', ws='none')
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    ready = threading.Event()
    for _ in range(600):
        if server.started:
            break
        ready.wait(0.05)
    try:
        yield 'http://127.0.0.1:%d' % server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=5)


def listen(base, **params):
    '''Collect the events of one answer as [(kind, data), ...].'''
    events, kind = [], None
    with httpx.stream('GET', base + '/ask', params=params, timeout=30) as response:
        assert response.headers['content-type'] == 'text/event-stream'
        for line in response.iter_lines():
            if line.startswith('event: '):
                kind = line[7:]
            elif line.startswith('data: '):
                events.append((kind, json.loads(line[6:])))
    return events


def main():
    client = chromadb.EphemeralClient()
    # default_space() of the embedding function decides when no configuration names a space.
    guide = client.create_collection('guide', embedding_function=WordOverlap.fitted(t for t, _, _ in ROOMS.values()))
    assert guide.configuration['hnsw']['space'] == 'cosine'
    guide.add(ids=list(ROOMS), documents=[t for t, _, _ in ROOMS.values()],
              metadatas=[{'room': r, 'department': d} for _, r, d in ROOMS.values()])

    with running(Guide(guide)) as base:
        events = listen(base, q='Which scripts are on the Rosetta Stone?')
        kinds = [k for k, _ in events]
        assert kinds[0] == 'sources' and kinds[-1] == 'done' and kinds.count('text') > 10
        assert events[0][1][0] == {'exhibit': 'rosetta', 'room': 4}
        answer = ''.join(d for k, d in events if k == 'text')
        assert answer.strip().endswith('room 4.')

        medieval = listen(base, q='ship burial and ivory', department='Medieval')
        assert {s['exhibit'] for s in medieval[0][1]} == {'lewis', 'sutton'}
        nothing = listen(base, q='Where can I buy coffee?')
        assert nothing[0] == ('sources', []) and nothing[1][1] == 'I have nothing about that.'

        client.delete_collection('guide')          # pull the rug: the stream must end in order all the same
        broken = listen(base, q='mummy')
        assert [k for k, _ in broken] == ['error', 'done'] and broken[0][1]['type'] == 'NotFoundError'
    print(len(events), 'events:', answer)


if __name__ == '__main__':
    main()
