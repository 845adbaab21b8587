"""How fast the danger scan is: microseconds per text, and what twice the lexicon costs."""

import gc
import random
import re
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import yaml

from helpline.content.everyday import everyday_words
from helpline.content.notebook import Notebook
from helpline.content.scorer import read_scorer
from helpline.domain.risk import Entry, Lexicon, assess, compile_lexicon, parse_entries

LEXICON = Path(__file__).resolve().parent.parent / "config" / "lexicon"
EACH = 240  # different texts of a kind, so that nothing can remember a whole text
BURST = 12
AIM = 160  # characters, one text message
CALM = {
    (
        "{opening} {who} {gave} me this number and said {someone} might {ring} back {when}, "
        "is that ok? {day} suits me best {but} {other_day} is fine {also}"
    ),
    (
        "{opening} thanks for {calling}, {someone} i {spoke} to was {kind} and gave me {places} "
        "to try. the {nearest} one has a {list} so could you look {when}"
    ),
    (
        "{opening} been using {drug} {often} since {season} and it went from {laugh} to every day, "
        "not sure {begin} really. can you tell me what {happens} {when}"
    ),
}
DANGER = {
    (
        "{opening} i came home {ago} ago and {relative} is on the {room} floor, {drank} {but} "
        "i {wake}, what am i meant to do?? {other_day} was fine"
    ),
    (
        "{opening} its been a long {season} since the {loss} and the flat is so {quiet}, i keep "
        "{looking} and thinking {wish}. did not know {begin}"
    ),
    (
        "{opening} cant talk out loud because {relative} is asleep {nearest}. for {often} i keep "
        "wanting to {act} and the {drug} does not even take it away"
    ),
}
WORDS = {
    "opening": ("hi", "hello", "hey there", "ok so", "evening", "hiya", "sorry,", "right"),
    "who": ("my mate", "a nurse", "the gp", "somebody at work", "the pharmacy", "my sister"),
    "gave": ("gave", "texted", "sent", "showed", "left", "passed"),
    "someone": ("someone", "a lady", "the woman", "a man", "a worker", "one of you"),
    "ring": ("ring", "call", "phone", "get", "text"),
    "when": ("after six", "at lunch", "before work", "when i come in", "near leeds", "next week"),
    "day": ("tuesday", "monday", "friday", "any morning", "wednesday"),
    "other_day": ("thursday", "sunday", "saturday", "the weekend", "mid week"),
    "but": ("but", "though", "and", "or", "then"),
    "also": ("also", "too", "as well", "for me", "if not"),
    "calling": ("calling back", "the chat", "ringing", "your reply", "listening"),
    "spoke": ("spoke", "talked", "wrote", "chatted"),
    "kind": ("kind", "lovely", "patient", "really nice", "very gentle"),
    "places": ("two places", "three names", "an address", "some websites", "four numbers"),
    "nearest": ("nearest", "biggest", "upstairs", "next door", "closest", "local"),
    "list": ("waiting list", "long queue", "form to fill", "lift thats broken", "new manager"),
    "drug": ("ket", "ketamine", "coke", "vodka", "weed", "speed"),
    "often": ("most weekends", "the last few weeks", "a couple of months", "half a year"),
    "season": ("summer", "month", "winter", "spring", "year", "term"),
    "laugh": ("a laugh", "once a month", "parties", "nothing much", "a treat"),
    "begin": ("where to begin", "who else to text", "how to start", "whom to ask at 3am"),
    "happens": ("happens", "it costs", "i should bring", "to expect", "the first day is like"),
    "ago": ("ten minutes", "half an hour", "five mins", "a while", "an hour"),
    "relative": ("my brother", "my mum", "my flatmate", "my girlfriend", "my dad", "my cousin"),
    "room": ("kitchen", "bathroom", "hall", "bedroom", "garage"),
    "drank": ("he had vodka with friends", "there are empty cans", "he was out", "no idea why"),
    "wake": ("cant wake him up", "cannot wake her", "dont think he is breathing", "cant wake them"),
    "loss": ("job went", "funeral", "breakup", "move", "baby came"),
    "quiet": ("quiet", "empty", "cold", "dark"),
    "looking": ("looking at the ceiling", "lying here", "walking about", "staring at walls"),
    "wish": ("i want to die", "of killing myself", "i dont want to live", "id rather be dead"),
    "act": ("kill myself", "end my life", "hang myself", "just die"),
}
WORST = (
    "i want to ",
    "took not he can ",
    "k*l* d*e s*i ",
    "a.b.c.",
    "suiccide overdosse unconsciouss ",
    "not ",
    "tonight my son gun today ",
    "took ket alone not breathing goodbye rope tonight he hit me pills ",
    "\u200b💊е",
)
Row = tuple[str, float, str, float | None]


def entries() -> list[Entry]:
    """The rows of the lexicon as it is shipped."""
    documents = {
        str(path.relative_to(LEXICON)): yaml.safe_load(path.read_text("utf-8"))
        for path in sorted(LEXICON.glob("*/*.yaml"))
    }
    rows, problems = parse_entries(documents)
    if problems:
        raise SystemExit("\n".join(map(str, problems)))
    return rows


def doubled(rows: Iterable[Entry]) -> list[Entry]:
    """Every finding row once more, with words that no text has."""
    rows = list(rows)
    return rows + [
        replace(
            row,
            id=f"{row.id}.twin",
            source=f"{row.source}:twin",
            phrases=tuple(
                " ".join(
                    f"zx{word}{number}"
                    for word in "".join(
                        c if c.isalnum() or c == " " else "" for c in phrase
                    ).split()
                )
                or f"zx{number}"
                for number, phrase in enumerate(row.phrases)
            ),
            templates=(),
        )
        for row in rows
        if row.phrases and row.kind in {"hit", "mask"}
    ]


def _best(work: Callable[[], object], rounds: int, times: int) -> float:
    """The best tenth of the rounds, in seconds of CPU per call: others share the machine."""
    taken = []
    for _ in range(rounds):
        begun = time.thread_time()
        for _ in range(times):
            work()
        taken.append((time.thread_time() - begun) / times)
    return sorted(taken)[rounds // 10]


def written(templates: Iterable[str], seed: int) -> tuple[str, ...]:
    """Different texts of about 160 characters from a few templates."""
    chance = random.Random(seed)  # nosec B311 - made-up texts
    choices = sorted(templates)
    texts: set[str] = set()
    while len(texts) < EACH:
        text = re.sub(
            r"{(\w+)}", lambda name: chance.choice(WORDS[name[1]]), chance.choice(choices)
        )
        if abs(len(text) - AIM) <= 15:
            texts.add(text)
    return tuple(sorted(texts))


def _calibration() -> int:
    """A fixed piece of work for this interpreter, to tell a slow scan from a busy machine."""
    known, total = {number: number for number in range(64)}, 0
    for number in range(1000):
        total += known.get(number & 127, 1)
    return total


def _each(texts: tuple[str, ...], lexicon: Lexicon, rounds: int = 40) -> tuple[float, float]:
    """Microseconds for one text, and the same in calibration loops run in between.

    A dozen texts at a time, so that a round is short beside the turns of a busy machine;
    all texts count alike.
    """
    spent: list[float] = []
    loops: list[float] = []
    for at in range(0, len(texts), BURST):
        some = texts[at : at + BURST]

        def work(some: tuple[str, ...] = some) -> None:
            for text in some:
                assess(text, lexicon)

        work()
        spent.append(_best(work, rounds, 1) / len(some) * 1e6)
        loops.append(_best(_calibration, rounds, 2) * 1e6)
    return statistics.fmean(spent), statistics.fmean(spent) / statistics.fmean(loops)


def _growth(unit: str, lexicon: Lexicon) -> float:
    """How many texts of 160 characters a text of 10,000 like them costs; 62.5 is in proportion."""
    short, long = ((unit * signs)[:signs] for signs in (AIM, 10_000))
    return _best(lambda: assess(long, lexicon), 25, 1) / _best(
        lambda: assess(short, lexicon), 25, 5
    )


def run() -> list[Row]:
    """Name, value, unit and the bound that the value should stay under."""
    rows = entries()
    scorer = read_scorer(Notebook(LEXICON.parent))
    lexicon = replace(compile_lexicon(rows, everyday_words()), scorer=scorer)
    twice = replace(compile_lexicon(doubled(rows), everyday_words()), scorer=scorer)
    gc.collect()
    gc.freeze()  # as the web process does
    quiet, loud = written(CALM, 1), written(DANGER, 2)
    both = quiet[:60] + loud[:60]
    calm, calm_loops = _each(quiet, lexicon)
    danger, danger_loops = _each(loud, lexicon)
    ratios = [_each(both, twice, 7)[1] / _each(both, lexicon, 7)[1] for _ in range(5)]
    growth = max(_growth(unit, lexicon) for unit in WORST)
    compiling = _best(lambda: compile_lexicon(rows, everyday_words()), 3, 1)
    return [
        ("danger scan, 160 characters, calm", calm, "us", 60.0),
        ("danger scan, 160 characters, danger", danger, "us", 60.0),
        ("danger scan, calm, in calibration loops", calm_loops, "x", None),
        ("danger scan, danger, in calibration loops", danger_loops, "x", None),
        ("calibration loop of 1000 look-ups", danger / danger_loops, "us", None),
        ("danger scan, cost of twice the rows", statistics.median(ratios), "x", 1.3),
        ("danger scan, 10,000 hostile characters, in 160 of them", growth, "x", 70.0),
        ("danger lexicon, compile", compiling * 1e3, "ms", None),
        ("danger lexicon, rows", float(len(lexicon.rules)), "", None),
    ]


if __name__ == "__main__":
    for name, value, unit, bound in run():
        limit = f"  (bound {bound:g})" if bound is not None else ""
        print(f"{name:42} {value:10.2f} {unit}{limit}")
