'''A persistent semantic cache for a travel desk: entries expire by topic and the least used ones are evicted.

Opening hours age in a day, visa rules in a month, and a cache that only grows is a leak.
Every hit is written back (`hits`, `last_used`), which is what eviction goes by.
'''
import datetime as dt
import tempfile

import chromadb

TTL = {
    'weather': dt.timedelta(hours=3),
    'hours': dt.timedelta(days=1),
    'visa': dt.timedelta(days=30),
}

# Three numbers per word are plenty here: (weather-ness, hours-ness, visa-ness), then places.
LEXICON = {
    'weather': (3, 0, 0), 'rain': (3, 0, 0), 'umbrella': (2.5, 0, 0), 'sunny': (3, 0, 0),
    'open': (0, 3, 0), 'opening': (0, 3, 0), 'closes': (0, 3, 0), 'close': (0, 3, 0), 'hours': (0, 3, 0),
    'visa': (0, 0, 3), 'entry': (0, 0, 2), 'passport': (0, 0, 2.5),
}
PLACES = ['lisbon', 'hanoi', 'cairo', 'oslo', 'lima', 'quito', 'museum', 'market']


def meaning(text):
    subject = [0.01, 0.01, 0.01]
    where = [0.01] * len(PLACES)
    for raw in text.lower().split():
        word = raw.strip('?.,!')
        for axis, weight in enumerate(LEXICON.get(word, ())):
            subject[axis] = max(subject[axis], weight)
        if word in PLACES:
            where[PLACES.index(word)] = 4      # the wrong city is worse than the wrong verb
    return subject + where


def topic_of(text):
    axes = meaning(text)[:3]
    return ('weather', 'hours', 'visa')[axes.index(max(axes))]


class TravelCache:
    def __init__(self, folder, capacity, now):
        self.client = chromadb.PersistentClient(path=folder)
        self.entries = self.client.get_or_create_collection(
            'travel_faq_cache', configuration={'hnsw': {'space': 'cosine', 'sync_threshold': 100, 'batch_size': 50}}
        )
        self.capacity = capacity
        self.now = now                          # a callable, so that time can be moved in tests

    def stamp(self):
        return int(self.now().timestamp())

    def get(self, question, cutoff=0.05):
        page = self.entries.query(
            query_embeddings=meaning(question),
            n_results=1,
            # the expiry belongs into the filter: a stale nearest entry must not hide a live second one
            where={'expires': {'$gt': self.stamp()}},
        )
        if not page['ids'][0] or page['distances'][0][0] > cutoff:
            return None
        key, meta = page['ids'][0][0], page['metadatas'][0][0]
        self.entries.update(ids=key, metadatas={'hits': meta['hits'] + 1, 'last_used': self.stamp()})
        return page['documents'][0][0]

    def put(self, question, answer):
        self.make_room()
        topic = topic_of(question)
        self.entries.upsert(
            ids=question.lower().strip(' ?'),
            embeddings=meaning(question),
            documents=answer,
            metadatas={
                'topic': topic,
                'hits': 0,
                'last_used': self.stamp(),
                'expires': self.stamp() + int(TTL[topic].total_seconds()),
            },
        )

    def make_room(self):
        '''Stale entries go first; if that is not enough, the least used of the rest.'''
        self.entries.delete(where={'expires': {'$lte': self.stamp()}})
        surplus = self.entries.count() - self.capacity + 1
        if surplus > 0:
            rows = self.entries.get(include=['metadatas'])
            order = sorted(zip(rows['metadatas'], rows['ids']), key=lambda r: (r[0]['hits'], r[0]['last_used']))
            self.entries.delete(ids=[key for _, key in order[:surplus]])

    def by_topic(self):
        return {t: len(self.entries.get(where={'topic': t}, include=[])['ids']) for t in TTL}


def main():
    clock = dt.datetime(2025, 5, 1, 9, tzinfo=dt.timezone.utc)
    asked = []

    def agent(question):                        # the slow and costly part
        asked.append(question)
        return f'[{clock:%d %b %H:%M}] answer to: {question}'

    with tempfile.TemporaryDirectory() as folder:
        cache = TravelCache(folder, capacity=4, now=lambda: clock)

        def ask(question):
            answer = cache.get(question)
            if answer is None:
                answer = agent(question)
                cache.put(question, answer)
            return answer

        rain = ask('Will it rain in Hanoi?')
        assert ask('Do I need an umbrella in Hanoi?') == rain
        assert ask('Weather in Lisbon?') != rain, 'same topic, other city'
        visa = ask('Do I need a visa for Hanoi?')
        assert ask('Visa or passport for Hanoi?') == visa
        museum = ask('When does the museum in Oslo open?')
        assert ask('Opening hours of the museum in Oslo?') == museum
        assert len(asked) == 4 and cache.by_topic() == {'weather': 2, 'hours': 1, 'visa': 1}

        # Four hours on, the weather is stale, the museum is not.
        clock += dt.timedelta(hours=4)
        assert ask('Is it sunny in Hanoi?') != rain
        assert ask('museum Oslo hours?') == museum
        assert cache.by_topic() == {'weather': 1, 'hours': 1, 'visa': 1}, 'put() swept the two stale ones'

        # Full: the entry with the fewest hits leaves, not the oldest.
        ask('Visa for Cairo?')
        ask('Entry visa for Lima?')
        survivors = cache.entries.get(include=['metadatas'])
        hits = dict(zip(survivors['ids'], (m['hits'] for m in survivors['metadatas'])))
        print('after eviction:', hits)
        assert len(hits) == 4 and 'is it sunny in hanoi' not in hits
        assert hits['when does the museum in oslo open'] == 2

        # A restart keeps entries, counters and expiry times.
        cache.client.close()
        cache = TravelCache(folder, capacity=4, now=lambda: clock)
        before = len(asked)
        assert ask('passport and visa for Hanoi?') == visa and len(asked) == before

        clock += dt.timedelta(days=2)
        assert cache.get('opening hours museum oslo') is None
        assert cache.get('visa hanoi') == visa, 'visa rules hold for a month'
        print(f'{len(asked)} calls to the agent, {cache.entries.count()} entries stored')
        cache.client.close()


if __name__ == '__main__':
    main()
