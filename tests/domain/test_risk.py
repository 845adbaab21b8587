"""The danger scan: what must fire, what must stay quiet, and what nothing may undo."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from helpline.domain.risk import (
    MENU_ANSWERS,
    NOTHING,
    Entry,
    Level,
    Lexicon,
    LexiconError,
    Slot,
    Template,
    answer_words,
    assess,
    compile_lexicon,
    parse_entries,
)

ROOT = Path(__file__).resolve().parents[2]
E, C, A, W = Level.EMERGENCY, Level.CRISIS, Level.ASK, Level.WATCH

FIRE = [
    ("i want to kill myself", C),
    ("kms tonight i have the pills", C),
    ("i dont wanna be alive anymore", C),
    ("everyone would be better off without me", C),
    ("tell my kids i love them im so sorry", A),
    ("i cant wake him up", E),
    ("her lips are blue and shes cold", E),
    ("took too many and now so sleepy", E),
    ("im not suicidal but i took all my pills", E),
    ("he says hes going to end it all tonight", A),
    ("su1cid3 thoughts again", A),
    ("unalive myself", A),
    ("no despierta y respira raro", E),
    ("me quiero morir", C),
    ("ya no quiero vivir", A),
    ("pissing blood and cant pee", E),
    ("she texted me goodbye and wont answer", A),
    ("💊💊💊 goodbye", A),
    ("stopped drinking yesterday now the shakes", W),
    ("day 3 off ket i feel hopeless", W),
    ("i did too much k and cant move", E),
    ("voices telling me to do it", A),
    ("mixed k and xanax hes snoring weird", E),
    ("i dont want to die please help he took fent", A),
]
QUIET = [
    "dying of laughter at that video", "you killed it at the gig", "we watched suicide squad",
    "my phone died call you later", "k thanks", "ok k", "i need to catch the bus at 5",
    "special k cereal for breakfast", "baby bump is showing", "waiting in line for the bus",
    "me muero de risa", "i quit my job", "the end of the week works", "cash withdrawal limit",
]  # fmt: skip
DANGER = [text for text, level in FIRE if level >= A and text.isascii()]
EMERGENCIES = [text for text, level in FIRE if level == E]
IDIOMS = [
    "dying of laughter",
    "suicide squad",
    "killed it",
    "k thanks",
    "my phone died",
    "end it here",
]
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f"
HARMLESS = [
    "the bus was late and it rained. ",
    "we had soup and toast for lunch. ",
    "it is a nice street. ",
]


@cache
def documents() -> dict[str, object]:
    folder = ROOT / "config" / "lexicon"
    return {
        str(path.relative_to(folder)): yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
        for path in sorted(folder.glob("*/*.yaml"))
    }


@cache
def lexicon() -> Lexicon:
    entries, problems = parse_entries(documents())
    assert problems == []
    return compile_lexicon(entries)


def level(text: str, **how: object) -> Level:
    return assess(text, lexicon(), **how).level  # type: ignore[arg-type]


def cases() -> Iterator[tuple[str, str, str]]:
    for path in sorted((ROOT / "tests" / "risk").glob("*.yaml")):
        for side, levels in yaml.safe_load(path.read_text("utf-8")).items():
            for name, texts in levels.items():
                yield from ((side, name, text) for text in texts)


@pytest.mark.parametrize(("text", "least"), FIRE)
def test_design_sentence_fires(text: str, least: Level) -> None:
    assert level(text) >= least


@pytest.mark.parametrize("text", QUIET)
def test_design_sentence_stays_quiet(text: str) -> None:
    assert level(text) < A


@pytest.mark.parametrize(("side", "name", "text"), list(cases()))
def test_own_case(side: str, name: str, text: str) -> None:
    found = assess(text, lexicon())
    if side == "at_least":
        assert found.level >= Level[name], found
    else:
        assert found.level <= Level[name], found


@pytest.mark.parametrize(
    ("text", "expected", "who", "when"),
    [
        ("i want to kill myself", C, "self", None),
        ("i tried to kill myself last night", E, "self", "now"),
        ("i wanted to kill myself last week, kill myself", A, "self", None),
        ("i was suicidal years ago", W, "self", "past"),
        ("i am not suicidal", A, "self", None),
        ("want to kill myself lol jk", A, "self", None),
        ("my son wants to kill himself", C, "other", None),
        ("my son was suicidal last month", A, "other", "past"),
        ("my daughter isnt suicidal", A, "other", None),
        ("i overdosed", E, "self", None),
        ("my brother overdosed last night", E, "other", "now"),
        ("took 40 paracetamol 2 days ago and feel fine", E, None, "past"),
        ("swallowed a handful of pills last week", E, None, "past"),
        ("i overdosed 2 days ago", E, "self", "past"),
        ("i passed out last week", A, "self", "past"),
        ("i was going to kill myself 2 days ago", A, "self", "past"),
        ("my brother overdosed last year", A, "other", "past"),
        ("essay on suicide for my class", A, None, None),
    ],
)
def test_person_and_tense(text: str, expected: Level, who: str | None, when: str | None) -> None:
    found = assess(text, lexicon())
    assert found.level == expected, found
    worst = max(found.signals, key=lambda signal: signal.level)
    assert who is None or worst.who == who
    assert when is None or worst.when == when
    assert found.about_other == (who == "other")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i dont want to die", A),
        ("i do not want to die", A),
        ("i would never kill myself", A),
        ("not fine but i want to die", C),
        ("no, i want to die", C),
        ("i'm not hungry, i want to die", C),
        ("i cant stop thinking about suicide", C),
        ("im not not suicidal", C),
        ("not overdosing just overdosed", E),
    ],
)
def test_negation(text: str, expected: Level) -> None:
    assert level(text) == expected


def test_mask_covers_only_its_own_words() -> None:
    assert level("dying of laughter") < A
    assert level("dying of laughter but i want to kill myself") == C
    assert level("suicide squad was on and i took all my pills") == E


def test_mask_never_applies_while_hot() -> None:
    assert level("mum will kill me") < A
    assert level("i will die laughing", hot=True) >= level("i will die laughing")
    assert level("suicide squad", hot=True) >= A


def test_time_word_while_hot_is_imminent() -> None:
    found = assess("tonight when they leave", lexicon(), hot=True)
    assert found.level == C
    assert "imminent" in found.tags


@pytest.mark.parametrize("emergency", EMERGENCIES)
@pytest.mark.parametrize("idiom", IDIOMS)
def test_no_idiom_lowers_an_emergency(emergency: str, idiom: str) -> None:
    assert level(f"{idiom} {emergency}") == E
    assert level(f"{emergency} {idiom}") == E
    assert level(f"not {emergency}") == E


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("i cant pee", "retention"),
        ("im pregnant and bleeding", "pregnancy_emergency"),
        ("he has a knife", "violence"),
        ("he is hitting the kids", "child_in_danger"),
        ("stop texting me", "opt_out_sentence"),
        ("are you still calling me", "still_calling"),
        ("are you a bot", "bot_question"),
        ("is this confidential", "privacy_question"),
        ("dont call the police", "no_police"),
        ("i want to talk to a person", "human_asked"),
        ("help", "help_word"),
        ("ran out of valium", "withdrawal_benzo"),
        ("stopped drinking", "withdrawal_alcohol"),
        ("got the shakes", "withdrawal_symptom"),
        ("pissing blood", "blood_urine"),
        ("im 15", "minor"),
        ("my dad died by suicide", "bereaved"),
        ("i want rehab", "wants_treatment"),
        ("just got out of prison", "discharged"),
        ("voices telling me to", "command_voices"),
        ("you killed it", "false_friend"),
        ("three lines of ket and a bit of k", "ketamine"),
    ],
)
def test_meaning_tag(text: str, tag: str) -> None:
    assert tag in assess(text, lexicon()).tags


@pytest.mark.parametrize(
    "text",
    ["standing on the bridge, going to jump", "rope around my neck", "sitting on the tracks",
     "im on the tracks", "hes on the train tracks", "stood on the bridge rail",
     "on the ledge and i want to die", "knife in my hand, i want to die", "gun to her head",
     "i want to kill myself im on the roof", "im sitting on the edge i want it to be over",
     "suicidal, holding the pills", "stood on a roof. no reason to live"],
)  # fmt: skip
def test_a_lethal_place_is_an_emergency(text: str) -> None:
    """Rule E-11 listens for the tag at this level."""
    found = assess(text, lexicon())
    assert any("location_lethal" in s.tags and s.level == E for s in found.signals), found


@pytest.mark.parametrize(
    "text",
    ["leaves on the tracks again", "i walk over a bridge to work", "we had drinks on the roof",
     "my seat is on the balcony", "the kids want to jump in the pool", "im on the edge of my seat",
     "new songs on the tracks", "holding a knife course at work"],
)  # fmt: skip
def test_an_ordinary_place_stays_quiet(text: str) -> None:
    assert level(text) < A


def test_a_lethal_place_counts_while_hot() -> None:
    assert level("im on the roof") < A
    assert level("im on the roof", hot=True) == E


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mixed ket and vodka and hes drowsy", E),
        ("mixed k and valium, keeps throwing up", E),
        ("had ket and wine and im so sleepy", E),
        ("took ket with ghb and cant stay awake", E),
        ("had ket and wine and now being sick", A),
    ],
)
def test_depressants_and_a_failing_body(text: str, expected: Level) -> None:
    """Rule E-07: drowsy or vomiting on two depressants."""
    found = assess(text, lexicon())
    assert found.level >= expected
    assert "overdose" in found.tags


@pytest.mark.parametrize("text", ["so sleepy today", "throwing up all week", "he is drowsy"])
def test_drowsy_or_sick_alone_is_no_alarm(text: str) -> None:
    assert level(text) < E


@pytest.mark.parametrize(
    "text",
    ["someone is dying", "he's dying", "my friend is dying on the floor", "please shes dying",
     "my brother is dying help", "mum is dying", "is my son dying"],
)  # fmt: skip
def test_somebody_is_dying(text: str) -> None:
    found = assess(text, lexicon())
    assert found.level == E
    assert found.about_other


@pytest.mark.parametrize(
    "text",
    ["dying to see you", "he's dying to see you", "dying of laughter", "my phone is dying",
     "my dog is dying", "my mates dog is dying", "she is dying her hair", "he is a dying man",
     "they are dying out", "my nan is dying in a hospice", "my dad is dying of cancer",
     "hes dying for a drink", "im dying 😂"],
)  # fmt: skip
def test_dying_as_an_idiom_is_at_most_asked(text: str) -> None:
    assert level(text) <= A


def test_help_me_is_asked() -> None:
    assert level("help me") == A
    assert level("im dying") == A


def test_k_alone_is_no_drug() -> None:
    assert "drug" not in assess("ok k see you", lexicon()).tags


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("my son is on ket", "other"),
        ("ive got spravato from my clinic", "rx"),
        ("hello there", None),
    ],
)
def test_path_hint(text: str, path: str | None) -> None:
    assert assess(text, lexicon()).path_hint == path


def test_suicide_family() -> None:
    assert assess("i want to die", lexicon()).suicide_family
    assert assess("me quiero morir", lexicon()).suicide_family
    assert not assess("cant pee", lexicon()).suicide_family
    assert NOTHING.path_hint is None
    assert not NOTHING.about_other


@pytest.mark.parametrize(
    "text",
    ["ｉ ｗａｎｔ ｔｏ ｄｉｅ", "і wаnt tо dіе", "I WANT TO DIE", "i want 2 die", "i wänt to díe",
     "i w4nt to d1e", "iwanttodie", "i want to d i e", "i want to d.i.e", "𝐢 𝐰𝐚𝐧𝐭 𝐭𝐨 𝐝𝐢𝐞",
     "i want to die🥺", "i want\nto\ndie", "kill my self", "k!ll myself", "KiLLmYsElF",
     "s.u.i.c.i.d.e is what i want, i do", "im sucidal", "feeling suiccidal",
     "i don’t want to live"],
)  # fmt: skip
def test_disguises(text: str) -> None:
    assert level(text) >= C


@given(
    st.sampled_from(DANGER), st.lists(st.tuples(st.integers(0, 60), st.sampled_from(ZERO_WIDTH)))
)
def test_zero_width_characters_hide_nothing(text: str, inserts: list[tuple[int, str]]) -> None:
    disguised = text
    for at, char in inserts:
        disguised = disguised[:at] + char + disguised[at:]
    assert level(disguised) == level(text)


@given(st.sampled_from(DANGER), st.randoms(use_true_random=False))
def test_case_hides_nothing(text: str, random: object) -> None:
    shuffled = "".join(random.choice((c.lower(), c.upper())) for c in text)  # type: ignore[attr-defined]
    assert level(shuffled) == level(text)


@given(st.sampled_from(DANGER), st.data())
def test_stretched_letters_hide_nothing(text: str, data: st.DataObject) -> None:
    long_words = [match.span() for match in re.finditer(r"[a-z]{3,}", text)]
    begin, end = data.draw(st.sampled_from(long_words))
    at = data.draw(st.integers(begin, end - 1))
    more = data.draw(st.integers(3, 6))
    assert level(text[:at] + text[at] * more + text[at:]) >= level(text)


@pytest.mark.parametrize("mask", ["*", ".", "_", "-"])
@pytest.mark.parametrize("word", ["suicide", "suicidal", "overdosed"])
def test_letters_kept_apart_hide_nothing(word: str, mask: str) -> None:
    assert level(f"i feel {mask.join(word)} now") >= A
    for at in range(1, len(word) - 1):
        assert level(f"i feel {word[:at]}*{word[at + 1 :]} now") >= A


@given(st.sampled_from(DANGER), st.data())
def test_parts_are_read_together(text: str, data: st.DataObject) -> None:
    words = text.split(" ")
    cut = data.draw(st.integers(1, len(words) - 1)) if len(words) > 1 else 0
    recent, last = " ".join(words[:cut]), " ".join(words[cut:])
    found = assess(last, lexicon(), recent=(recent,) if recent else ())
    assert max(found.level, level(recent)) >= level(text)
    assert all(0 <= s.start <= s.end <= len(last) for s in found.signals)


@given(st.integers(8, 999))
def test_any_count_of_a_medicine_is_an_emergency(count: int) -> None:
    assert level(f"took {count} paracetamol") == E
    assert level(f"i took {count} of my tablets last night") == E


@given(st.sampled_from(DANGER), st.sampled_from(HARMLESS), st.booleans())
def test_padding_hides_nothing(text: str, padding: str, before: bool) -> None:
    room = 1600 - len(text) - 3
    filler = (padding * 60)[:room]
    padded = f"{filler}. {text}" if before else f"{text}. {filler}"
    assert level(padded) >= level(text)


@settings(max_examples=300)
@given(st.text(max_size=200), st.booleans())
def test_any_text_gives_valid_spans(text: str, hot: bool) -> None:
    found = assess(text, lexicon(), recent=(text[:20],), hot=hot)
    assert all(0 <= s.start <= s.end <= len(text) for s in found.signals)
    assert found.level == max((s.level for s in found.signals), default=Level.NONE)


@given(st.sampled_from(DANGER), st.text(max_size=30))
def test_span_is_in_the_original(text: str, before: str) -> None:
    found = assess(f"{before} . {text}", lexicon())
    assert all(0 <= s.start < s.end <= len(before) + 3 + len(text) for s in found.signals)


def test_span_counts_code_points_of_the_original() -> None:
    text = "💊💊 ok\u200b but I CAN’T wake him"
    worst = max(assess(text, lexicon()).signals, key=lambda s: s.level)
    assert text[worst.start : worst.end] == "CAN’T wake him"


@pytest.mark.parametrize("answer", ["", *MENU_ANSWERS])
def test_menu_answer_is_never_danger(answer: str) -> None:
    assert level(answer) < A


def _entry(
    phrases: tuple[str, ...] = (), templates: tuple[Template, ...] = (), severity: str = "C"
) -> Entry:
    return Entry(
        id="x", category="lex.A1", severity=severity, language="en", source="a.yaml:3",
        phrases=phrases, templates=templates,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (_entry(phrases=("...",)), "empty text"),
        (_entry(phrases=("not sure",)), "ordinary answer"),
        (_entry(templates=(Template((Slot(("a",)),), 3),)), "two slots"),
        (_entry(templates=(Template((Slot((), ("nowhere",)), Slot(("b",))), 3),)), "no word list"),
        (_entry(phrases=("so sad",), severity="X"), "unknown severity"),
    ],
)
def test_bad_row_cannot_compile(entry: Entry, reason: str) -> None:
    with pytest.raises(LexiconError) as caught:
        compile_lexicon([entry])
    assert reason in str(caught.value)
    assert "a.yaml:3" in str(caught.value)


def test_every_mistake_in_a_file_is_reported() -> None:
    entries, problems = parse_entries(
        {"en/x.yaml": {
            "categories": [{"id": "A1", "rows": [{"severity": "Z", "variants": [True]}, {}]}],
            "surprise": 1,
        }}
    )  # fmt: skip
    told = {(problem.path, problem.document) for problem in problems}
    assert {path for path, _ in told} >= {
        "surprise", "categories[0].id", "categories[0].title", "categories[0].rows[0].severity",
        "categories[0].rows[0].variants[0]", "categories[0].rows[1]",
    }  # fmt: skip
    assert len(entries) == 2


def test_answer_words_cover_every_digit_in_both_languages() -> None:
    answers = answer_words(documents())
    assert set(answers) == {"en", "es"}
    for words in answers.values():
        assert set(words) == {"0", "1", "2", "3", "4", "9", "named", "tells"}


def test_every_category_of_the_protocol_is_there() -> None:
    have = {rule.entry.category for rule in lexicon().rules}
    wanted = "A1 A2 A3 A4 A5 A6 A7 B1 B2 B3 B4 B5 B6 C1 D1 D2 D3 P1 H1 E0 S1 S2 N1 N2 N3 N4"
    assert {f"lex.{name}" for name in wanted.split()} <= have
