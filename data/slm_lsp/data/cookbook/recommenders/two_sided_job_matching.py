"""Match nurses with hospital posts where both sides have a say: mutual nearest neighbours over two collections.

A list of posts for each nurse ignores that a ward wants something too.  Here every
nurse queries the posts, every post queries the nurses, and a pair counts by the
worse of its two ranks.  Hard requirements never become a score.
"""
from typing import Dict, List, Tuple

import chromadb
from chromadb.api.models.Collection import Collection
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings

# Each phrase moves a profile along some axes; both sides are described in the same words.
AXES = ['children', 'emergency', 'surgery', 'elderly', 'night', 'teaching', 'research', 'calm']
PHRASES: Dict[str, Dict[str, float]] = {
    'paediatrics': {'children': 3}, 'children': {'children': 3}, 'trauma': {'emergency': 3},
    'emergency': {'emergency': 3}, 'theatre': {'surgery': 3}, 'surgical': {'surgery': 3},
    'geriatrics': {'elderly': 3, 'calm': 1}, 'elderly': {'elderly': 3}, 'nights': {'night': 2},
    'students': {'teaching': 2}, 'mentor': {'teaching': 2}, 'trials': {'research': 2},
    'quiet': {'calm': 2}, 'fast': {'emergency': 1, 'calm': -2}, 'hectic': {'emergency': 1, 'calm': -2},
}


class ProfileAxes(EmbeddingFunction[Documents]):
    def __init__(self, axes: List[str]):
        self.axes = list(axes)

    def __call__(self, input: Documents) -> Embeddings:
        vectors = []
        for text in input:
            profile = dict.fromkeys(self.axes, 0.05)
            for word in text.lower().replace(',', ' ').replace('.', ' ').split():
                for axis, amount in PHRASES.get(word, {}).items():
                    profile[axis] += amount
            vectors.append(list(profile.values()))
        return vectors

    @staticmethod
    def name() -> str:
        return 'profile_axes'

    @staticmethod
    def build_from_config(config: Dict[str, List[str]]) -> 'ProfileAxes':
        return ProfileAxes(axes=config['axes'])

    def get_config(self) -> Dict[str, List[str]]:
        return {'axes': self.axes}

    def default_space(self) -> str:
        return 'cosine'

    def supported_spaces(self) -> List[str]:
        return ['cosine']


NURSES = [
    # id, statement, licence years, languages, lowest hourly pay
    ('amara', 'Paediatrics for years, I like children and to mentor students', 6, ['en', 'fr'], 24),
    ('bohdan', 'Trauma and emergency, fast wards, nights are fine', 3, ['en', 'uk'], 23),
    ('chidi', 'Theatre nurse, surgical teams, some trials', 9, ['en'], 30),
    ('dolores', 'Geriatrics, quiet wards, elderly people', 12, ['es', 'en'], 22),
    ('emre', 'Emergency, hectic nights, children too', 1, ['en', 'tr'], 20),
]
POSTS = [
    # id, text, required years, required language, pay
    ('er-night', 'Hectic emergency ward, nights', 2, 'en', 27),
    ('kids-er', 'Children in the emergency room, fast', 1, 'en', 24),
    ('kids-ward', 'Paediatrics ward, students to mentor', 4, 'fr', 26),
    ('or-team', 'Surgical theatre with trials', 5, 'en', 31),
    ('care-home', 'Elderly residents, quiet house', 2, 'es', 23),
]


def build(client) -> Tuple[Collection, Collection]:
    shared = ProfileAxes(AXES)
    nurses = client.create_collection('nurses', embedding_function=shared)
    posts = client.create_collection('posts', embedding_function=shared)
    nurses.add(
        ids=[n[0] for n in NURSES],
        documents=[n[1] for n in NURSES],
        metadatas=[{'years': n[2], 'languages': n[3], 'pay_from': n[4]} for n in NURSES],
    )
    posts.add(
        ids=[p[0] for p in POSTS],
        documents=[p[1] for p in POSTS],
        metadatas=[{'years': p[2], 'language': p[3], 'pay': p[4], 'open': True} for p in POSTS],
    )
    return nurses, posts


def posts_for(nurse_id: str, nurses: Collection, posts: Collection, k: int = 3) -> List[str]:
    me = nurses.get(ids=nurse_id, include=['embeddings', 'metadatas'])
    wants = me['metadatas'][0]
    hits = posts.query(
        query_embeddings=me['embeddings'],       # stored vectors are reused, nothing is embedded again
        n_results=k,
        where={'$and': [
            {'open': True},
            {'pay': {'$gte': wants['pay_from']}},
            {'years': {'$lte': wants['years']}},
            {'language': {'$in': wants['languages']}},
        ]},
        include=['distances'],
    )
    return hits['ids'][0]


def nurses_for(post_id: str, nurses: Collection, posts: Collection, k: int = 3) -> List[str]:
    post = posts.get(ids=post_id, include=['embeddings', 'metadatas'])
    needs = post['metadatas'][0]
    hits = nurses.query(
        query_embeddings=post['embeddings'],
        n_results=k,
        where={'$and': [
            {'years': {'$gte': needs['years']}},
            {'languages': {'$contains': needs['language']}},
            {'pay_from': {'$lte': needs['pay']}},
        ]},
        include=['distances'],
    )
    return hits['ids'][0]


def match(nurses: Collection, posts: Collection) -> Dict[str, str]:
    '''Greedy over the worse of the two ranks; every nurse and every post is placed at most once.'''
    wish = {n: posts_for(n, nurses, posts) for n in nurses.get(include=[])['ids']}
    offer = {p: nurses_for(p, nurses, posts) for p in posts.get(where={'open': True}, include=[])['ids']}
    pairs = sorted(
        (max(wish[n].index(p), offer[p].index(n)), wish[n].index(p) + offer[p].index(n), n, p)
        for n in wish
        for p in wish[n]
        if n in offer.get(p, [])
    )
    placed: Dict[str, str] = {}
    for _, _, nurse, post in pairs:
        if nurse not in placed and post not in placed.values():
            placed[nurse] = post
    return placed


def main():
    nurses, posts = build(chromadb.EphemeralClient())
    assert nurses.configuration_json['hnsw']['space'] == 'cosine'

    # What the nurses would like, before the wards have had a say.
    firsts = [posts_for(n[0], nurses, posts)[0] for n in NURSES]
    print('first wishes:', firsts)

    # A requirement is a wall: Emre has one year, the night ward wants two.
    assert 'er-night' not in posts_for('emre', nurses, posts, k=5)
    assert 'emre' not in nurses_for('er-night', nurses, posts, k=5)
    # Only two of them speak the languages of these posts.
    assert nurses_for('care-home', nurses, posts) == ['dolores']
    assert nurses_for('kids-ward', nurses, posts) == ['amara']

    placed = match(nurses, posts)
    for nurse, post in sorted(placed.items()):
        print(f'{nurse:>8} -> {post}')
    assert placed == {
        'amara': 'kids-ward', 'bohdan': 'er-night', 'chidi': 'or-team', 'dolores': 'care-home', 'emre': 'kids-er',
    }

    # Placed posts close, and the next round runs on what is left.
    posts.update(ids=list(placed.values()), metadatas=[{'open': False}] * len(placed))
    posts.upsert(
        ids=['school'], documents=['School nurse, children, quiet days'],
        metadatas=[{'years': 1, 'language': 'en', 'pay': 25, 'open': True}],
    )
    again = match(nurses, posts)
    print('next round  :', again)
    assert list(again.values()) == ['school'] and 'chidi' not in again, 'the pay is below what Chidi asks'


if __name__ == '__main__':
    main()
