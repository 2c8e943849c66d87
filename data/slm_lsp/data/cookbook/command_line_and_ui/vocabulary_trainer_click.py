'''A click program that drills vocabulary with spaced repetition; confusable words come from Chroma's neighbours.

Each card is embedded by the sound of its word (a crude phonetic key), so that the wrong answers offered in a multiple
choice are the ones that learners really mix up.  Due dates are integers in the metadata: due cards are a filter.
'''
import random
import tempfile
from pathlib import Path

import chromadb
import click
from click.testing import CliRunner

INTERVALS = [1, 3, 7, 16, 35]          # days until a card of level n comes again

DECK = '''
embarazada;pregnant
avergonzada;embarrassed
casado;married
cansado;tired
cazado;hunted
ropa;clothes
sopa;soup
soplar;to blow
jabon;soap
jamon;ham
'''

SOUNDS = {'a': 0, 'e': 1, 'i': 1, 'y': 1, 'o': 2, 'u': 2, 'b': 3, 'v': 3, 'p': 4, 'c': 5, 'k': 5, 'q': 5, 's': 6, 'z': 6,
          't': 7, 'd': 7, 'm': 8, 'n': 8, 'l': 9, 'r': 9, 'g': 10, 'j': 10, 'h': 10}
WIDTH = 11


def sound_vector(word):
    '''Counts of sound classes in the first and the second half of the word, and of its last sound.'''
    keys = [SOUNDS[c] for c in word.lower() if c in SOUNDS]
    half = (len(keys) + 1) // 2
    vector = [0.0] * (3 * WIDTH)
    for place, key in enumerate(keys):
        vector[key if place < half else WIDTH + key] += 1.0
    if keys:
        vector[2 * WIDTH + keys[-1]] = 1.0
    return vector


class Deck:
    def __init__(self, folder):
        self.client = chromadb.PersistentClient(path=str(folder))
        self.cards = self.client.get_or_create_collection('cards', configuration={'hnsw': {'space': 'l2'}})

    def load(self, lines, today):
        pairs = [line.strip().split(';') for line in lines if ';' in line]
        known = set(self.cards.get(ids=[w for w, _ in pairs], include=[])['ids'])
        fresh = [(w, m) for w, m in pairs if w not in known]      # progress of known cards must not be reset
        if fresh:
            self.cards.add(
                ids=[w for w, _ in fresh],
                embeddings=[sound_vector(w) for w, _ in fresh],
                documents=[m for _, m in fresh],
                metadatas=[{'level': 0, 'due': today, 'lapses': 0} for _ in fresh],
            )
        return len(fresh)

    def due(self, today, limit):
        rows = self.cards.get(where={'due': {'$lte': today}})
        ordered = sorted(zip(rows['ids'], rows['documents'], rows['metadatas']), key=lambda r: (r[2]['due'], r[0]))
        return ordered[:limit]

    def confusable(self, word, n=2):
        '''Meanings of the words that sound most like this one.'''
        me = self.cards.get(ids=word, include=['embeddings'])
        near = self.cards.query(query_embeddings=me['embeddings'][0], n_results=n + 1, include=['documents'])
        return [m for w, m in zip(near['ids'][0], near['documents'][0]) if w != word][:n]

    def grade(self, word, meta, right, today):
        level = min(meta['level'] + 1, len(INTERVALS) - 1) if right else 0
        self.cards.update(ids=word, metadatas={
            'level': level, 'due': today + INTERVALS[level], 'lapses': meta['lapses'] + (not right)})

    def statistics(self):
        return [len(self.cards.get(where={'level': {'$eq': n}}, include=[])['ids']) for n in range(len(INTERVALS))]


@click.group()
@click.option('--deck', 'folder', type=click.Path(path_type=Path), default='deck', show_default=True)
@click.option('--today', type=int, default=0, help='Day number; made explicit so that the program can be tested.')
@click.pass_context
def cli(ctx, folder, today):
    '''Learn words.'''
    ctx.obj = deck = Deck(folder)
    ctx.meta['today'] = today
    ctx.call_on_close(deck.client.close)


@cli.command('import')
@click.argument('source', type=click.File(encoding='utf-8'))
@click.pass_context
def import_cards(ctx, source):
    '''Read WORD;MEANING lines from a file, or from standard input with -.'''
    click.echo(f"{ctx.obj.load(source, ctx.meta['today'])} new cards")


@cli.command()
@click.option('-n', '--limit', default=20)
@click.option('--seed', type=int, help='Order of the choices.')
@click.pass_context
def drill(ctx, limit, seed):
    '''Ask for the cards that are due.'''
    deck, today, dice = ctx.obj, ctx.meta['today'], random.Random(seed)
    cards = deck.due(today, limit)
    score = 0
    for word, meaning, meta in cards:
        choices = [meaning, *deck.confusable(word)]
        dice.shuffle(choices)
        click.echo(f'{word}: ' + '  '.join(f'{n}) {c}' for n, c in enumerate(choices, 1)))
        answer = click.prompt('?', type=click.IntRange(1, len(choices)))
        right = choices[answer - 1] == meaning
        click.secho('right' if right else f'no: {meaning}', fg='green' if right else 'red')
        deck.grade(word, meta, right, today)
        score += right
    click.echo(f'{score} of {len(cards)} right')


@cli.command()
@click.option('--lapses', default=1, help='At least this many failures.')
@click.pass_obj
def hard(deck, lapses):
    '''Words that were forgotten, and what they are mixed up with.'''
    rows = deck.cards.get(where={'lapses': {'$gte': lapses}})
    for word, meaning in zip(rows['ids'], rows['documents']):
        click.echo(f"{word} = {meaning}  (not: {', '.join(deck.confusable(word))})")


@cli.command()
@click.pass_obj
def stats(deck):
    for level, n in enumerate(deck.statistics()):
        click.echo(f'level {level} {"#" * n}')


def main():
    with tempfile.TemporaryDirectory() as tmp:
        runner = CliRunner()

        def run(day, *args, keys=None):
            result = runner.invoke(cli, ['--deck', tmp, '--today', str(day), *args], input=keys, catch_exceptions=False)
            assert result.exit_code == 0, result.output
            return result.output

        assert run(0, 'import', '-', keys=DECK) == '10 new cards\n'
        assert run(0, 'import', '-', keys=DECK + 'mesa;table\n') == '1 new cards\n'

        # A learner who always answers 1.
        first = run(0, 'drill', '--seed', '4', keys='1\n' * 11)
        questions = [line for line in first.splitlines() if '1) ' in line]
        assert len(questions) == 11 and 'of 11 right' in first
        cazado = next(q for q in questions if q.startswith('cazado'))
        assert 'married' in cazado and 'tired' in cazado, 'casado and cansado sound alike'

        wrong = first.count('no: ')
        assert 0 < wrong < 11
        forgotten = run(1, 'hard').splitlines()
        assert len(forgotten) == wrong and all('(not: ' in line for line in forgotten)
        # Failed cards go back to level 0 and are due again after a day, the others rest for longer.
        again = run(1, 'drill', '-n', '99', '--seed', '9', keys='1\n' * 11)
        assert f'of {wrong} right' in again
        assert run(0, 'drill') == '0 of 0 right\n'
        overview = run(1, 'stats')
        assert overview.count('#') == 11 and len(overview.splitlines()) == len(INTERVALS)
        print(cazado + '\n' + overview, end='')


if __name__ == '__main__':
    main()
