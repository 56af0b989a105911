import ast
from itertools import product
from pathlib import Path

import numpy as np

import dlcourse
from dlcourse.applications.driving import Weather, in_weather
from dlcourse.data.scenes.sets import SPLITS, NumberedScenes
from dlcourse.streams import Stream, generator

SEEDS = (0, 1, 7, 1000, 2**32, 2**64 + 1)
POSITIONS = ((), (0,), (1,), (7,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (2**32 - 1,))


def first_word(rng):
    return rng.bit_generator.random_raw()


def test_no_two_streams_meet():
    words = [first_word(generator(s, p, *at)) for s, p, at in product(SEEDS, Stream, POSITIONS)]
    assert len(set(words)) == len(words)
    # Nor do they meet what a learner writes, or what the package drew before they were streams.
    lists = [[s, k, *at] for s, k, at in product(SEEDS[:4], range(20), POSITIONS) if len(at) < 3]
    assert {first_word(np.random.default_rng(seed)) for seed in [*SEEDS, *lists]}.isdisjoint(words)


def test_scenes_and_weather_have_streams_of_their_own():
    seen = []

    class Told(NumberedScenes):
        def draw(self, count, rng):
            seen.append(tuple(rng.bit_generator.seed_seq.generate_state(4)))

    class ToldPhotographs(Told):
        _stream = Stream.PHOTOGRAPH

    class ToldWeather(Weather):
        def apply(self, frame, rng):
            seen.append(tuple(rng.bit_generator.seed_seq.generate_state(4)))
            return frame

    for kind, split, seed in product((Told, ToldPhotographs), SPLITS, (0, 1)):
        list(kind(split, 3, (1, 3), 96, seed))
    for seed in (0, 1):
        in_weather(np.zeros((3, 1), np.uint8), ToldWeather(), seed)
    assert len(set(seen)) == len(seen) == 2 * 3 * 2 * 3 + 2 * 3


def test_a_stream_draws_the_same_in_every_version():
    assert generator(0, Stream.DROPOUT, 3).integers(1000, size=4).tolist() == [764, 450, 160, 519]
    assert len(Stream) == max(Stream) + 1


def test_the_package_draws_from_streams_alone():
    """What comes from a seed and a place is a stream; a generator of one seed stands for itself."""
    own = set()
    for path in Path(dlcourse.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if getattr(node, "attr", getattr(node, "id", "")) == "SeedSequence":
                own.add(path.name)
            called = isinstance(node, ast.Call) and ast.unparse(node.func)
            if called and called.endswith("default_rng"):
                own |= {path.name for seed in node.args if isinstance(seed, ast.List | ast.Tuple)}
    assert own == {"streams.py", "secret.py"}  # which mixes a secret into the seeds of tests
