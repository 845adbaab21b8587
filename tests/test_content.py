"""The configuration is checked as a whole: every mistake, with its file and line."""

import io
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from helpline.cli_content import draw, print_check
from helpline.content import ContentError, Problem, load_protocol, summarise
from helpline.domain.conditions import walk
from helpline.domain.countries import pack_for
from helpline.domain.disposition import Disposition
from tests.configuration import CONFIG, copied

TODAY = date(2026, 6, 2)


@dataclass
class Copy:
    """A copy of the configuration in which a test plants mistakes."""

    root: Path
    before: frozenset[tuple[str, str]]

    def plant(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} no longer holds {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def line(self, file: str, marker: str) -> int:
        text = (self.root / file).read_text(encoding="utf-8")
        return text[: text.index(marker)].count("\n") + 1

    def problems(self) -> list[Problem]:
        """The mistakes that this test planted, with paths relative to the copy."""
        found = [
            Problem(str(Path(p.file).relative_to(self.root)), p.line, p.message)
            for p in _problems(self.root)
        ]
        return [p for p in found if (p.file, p.message) not in self.before]


def _problems(root: Path) -> tuple[Problem, ...]:
    try:
        load_protocol(root)
    except ContentError as error:
        return error.problems
    return ()


@pytest.fixture(scope="module")
def before() -> frozenset[tuple[str, str]]:
    return frozenset((str(Path(p.file).relative_to(CONFIG)), p.message) for p in _problems(CONFIG))


@pytest.fixture
def copy(tmp_path: Path, before: frozenset[tuple[str, str]]) -> Copy:
    return Copy(copied(tmp_path / "config"), before)


STATES = "protocol/states.yaml"
RULES = "protocol/rules.yaml"
EN = "messages/en.yaml"
ES = "messages/es.yaml"
COUNTRIES = "countries.yaml"

# file, what stands there, what is planted, where the mistake is reported, what is said
MISTAKES = [
    pytest.param(STATES, "go: SUI_2, words", "go: SUI_22, words", "SUI_22",
                 "there is no state SUI_22 (did you mean SUI_2?)", id="unknown target"),
    pytest.param(STATES, "- message: SQ2", "- message: SQ22", "SQ22",
                 "there is no message SQ22", id="unknown prompt"),
    pytest.param(STATES, "safety: true\n  silence: danger\n  ask:\n    - message: S2\n",
                 "safty: true\n  silence: danger\n  ask:\n    - message: S2\n", "safty",
                 "unknown key 'safty' (did you mean safety?)", id="unknown key"),
    pytest.param(STATES, "SUI_3:\n  kind: ask", "SUI_3:\n  kind: asks", "kind: asks",
                 "'asks' is not known", id="unknown kind"),
    pytest.param(STATES, "SUI_3:\n  kind: ask", "SUI_3:\n  kind: ask\n  kind: end",
                 "kind: end\n  paths: [self", "duplicate key 'kind'", id="duplicate key"),
    pytest.param(STATES, "PAY:\n  kind: ask", "PAY:\n  kind: ask\n  silence: gone", "silence: gone",
                 "there is no silence gone", id="unknown silence policy"),
    pytest.param(STATES, "# --- danger -", "LOST: {kind: end, paths: all, leads_to: [HUMAN]}\n#",
                 "LOST:", "state LOST cannot be reached", id="unreachable state"),
    pytest.param(STATES, "  then: SUI_1\n  note: Not sure", "  note: Not sure", "SAFETY_MED:\n",
                 "state SAFETY_MED is a dead end after S2 answer 2", id="no way on"),
    pytest.param(STATES, "    - {to: LOC_4}\n", "", "LOC_3:\n",
                 "then needs a last branch without a condition", id="conditional end"),
    pytest.param(STATES, "HUMAN_VOICE:\n  kind: wait\n  paths: all\n  silence: human\n"
                 "  leads_to: [HUMAN]\n",
                 "HUMAN_VOICE:\n  kind: wait\n  paths: all\n  silence: human\n", "HUMAN_VOICE:\n",
                 "state HUMAN_VOICE has no exit", id="no exit"),
    pytest.param(STATES, "1: {means: \"yes\", go: EMERGENCY}\n        2: {means: \"no\"}",
                 "1: {means: \"no\"}\n        2: {means: \"yes\", go: EMERGENCY}", "SAFETY_MED:\n",
                 "S2: answer 1 means no; it must be the riskiest", id="a no at 1"),
    pytest.param(STATES, "1: {means: \"yes\", go: EMERGENCY}", "1: {means: \"yes\", go: SUI_1}",
                 "SAFETY_MED:\n", "S2: answer 3 leads to more danger than answer 1", id="polarity"),
    pytest.param(STATES, "PAY:\n", "PAID:\n", "# The 40 states", "state PAY is missing",
                 id="a missing state"),
    pytest.param(RULES, "id: E-02", "id: E-01", "id: E-01, disposition: EMERGENCY_NOW, basis: \"S1",
                 "rule E-01 stands already", id="a rule twice"),
    pytest.param(RULES, "id: U-02, disposition: URGENT_15", "id: U-02, disposition: SOON",
                 "id: U-02", "rule U-02 should be URGENT_15, not SOON", id="a weaker rule"),
    pytest.param(RULES, "disposition: ROUTINE", "disposition: SOMETIME", "SOMETIME",
                 "'SOMETIME' is not known", id="unknown disposition"),
    pytest.param(RULES, "{answer: {SQ4: [1]}}", "{answer: {SQ4: [7]}}", "SQ4: [7]",
                 "SQ4 has no choice 7; known: 1, 2, 3, 4", id="unknown choice"),
    pytest.param(RULES, "{answer: {SQ4: [1]}}", "{answer: {SQ44: [1]}}", "SQ44",
                 "SQ44 is not a question (did you mean SQ4?)", id="unknown question"),
    pytest.param(RULES, "{answer: {SQ4: [1]}}", "{anser: {SQ4: [1]}}", "anser",
                 "unknown condition 'anser'", id="unknown condition"),
    pytest.param(RULES, "      - all: [{flag: WDRISK}, {heard: [seizure]}]",
                 "      - all: [{flag: WDRISK}, {heard: [seizuer]}]", "seizuer",
                 "there is no lexicon category or tag seizuer", id="unknown word tag"),
    pytest.param(RULES, "{flag: WITHDRAWAL_WATCH}", "{flag: WATCH}", "{flag: WATCH}",
                 "there is no flag WATCH", id="unknown flag"),
    pytest.param("protocol/notices.yaml", "{path: rx}", "{path: rxx}", "rxx",
                 "there is no path rxx", id="unknown path"),
    pytest.param("protocol/notices.yaml", "{country: US}", "{country: UZ}", "country: UZ",
                 "there is no country UZ", id="unknown country"),
    pytest.param("protocol/flags.yaml", "of: [WITHDRAWAL_WATCH, ALONE", "of: [WATCHING, ALONE",
                 "WATCHING", "there is no flag WATCHING", id="unknown flag in plus_one"),
    pytest.param("protocol/silence.yaml", "act: ask, message: N1", "act: ask",
                 "- {after: 120, act: ask}", "ask needs a message", id="silence without words"),
    pytest.param(EN, "Sorry, we didn't get that. ", "Sorry, we missed that. " + "So sorry. " * 7,
                 "X1:\n", "X1 in en can be 176 characters in", id="too long"),
    pytest.param(EN, "Checking in as agreed.", "Checking in as agreed…", "SQ1R:\n",
                 "SQ1R in en can be 141 characters in", id="not GSM-7"),
    pytest.param(EN, "  off_duty: E1N\n", "", "E1:\n",
                 "E1 promises a person and has no off_duty wording", id="a promise unkept"),
    pytest.param(EN, "  off_duty: E1N\n", "  off_duty: K1\n", "E1:\n",
                 "E1: its off_duty wording K1 promises a person itself", id="promise for promise"),
    pytest.param(EN, "Noted with your request. Our", "Someone will call you. Our", "Q1N:\n",
                 "Q1N: 'Someone will call' promises a person", id="a hidden promise"),
    pytest.param(EN, "It can help to move away", "You are low risk. Move away", "K2:\n",
                 "K2: 'low risk' may not be said", id="banned words"),
    pytest.param(EN, "Sorry, we didn't get that.", "Sorry, {NAM} we didn't get that.", "X1:\n",
                 "X1: unknown placeholder NAM", id="unknown placeholder"),
    pytest.param(EN, "Don't let them sleep it off.", "See {URL}.", "E2B:\n",
                 "E2B: no link in a first crisis text", id="a link in a crisis"),
    pytest.param(EN, "1 Yes 2 Only thoughts 3 Not sure", "1 Yes 2 Only thoughts", "SQ2:\n",
                 "SQ2 in en does not offer choice 3", id="a choice nobody reads"),
    pytest.param(ES, "\nK1:\n", "\nK1X:\n", "# What the line says", "message K1 is missing in es",
                 id="a danger answer missing in Spanish"),
    pytest.param(COUNTRIES, 'emergency: "999"', 'emergency: "998"', 'emergency: "998"',
                 "emergency 998: 998 is not among the confirmed lines", id="an invented number"),
    pytest.param(COUNTRIES, "contact: 116 123, hours: 24/7, confidence: H",
                 "contact: 116 123, hours: 24/7, confidence: M", "confidence: M",
                 "only numbers of confidence H may be used", id="an unconfirmed number"),
    pytest.param(COUNTRIES, 'never_dial: ["999", "112",', 'never_dial: ["112",',
                 'never_dial: ["112", "111"', "never_dial lacks the emergency number 999",
                 id="a number that may be dialled"),
    pytest.param(ES, "\nC4:\n", "\nC4_:\n", "# What the line says", "message C4 is missing in es",
                 id="a question missing in an offered language"),
    pytest.param(ES, "{EMG} ahora o pida que", "112 ahora o pida que", "E1:\n",
                 "E1 in es (sms) lacks {EMG}", id="a number lost in translation"),
    pytest.param(ES, "Puede ser inventado. Responda", "{NAME}. Responda", "C4:\n",
                 "C4 in es (sms) adds {NAME}", id="a blank that the first language has not"),
    pytest.param(ES, "Este mes, pero no hoy, oprima 2.", "Este mes.", "SQ1:\n",
                 "SQ1 in es does not speak choice 2", id="a choice nobody hears"),
    pytest.param(ES, "1 Hoy 2 Este mes, no hoy 3 No", "1 Hoy o este mes 3 No", "SQ1:\n",
                 "SQ1 in es does not offer choice 2", id="a choice nobody reads in Spanish"),
    pytest.param(ES, '  voice: "Tómese', '  # "Tómese', "NUDGE:\n", "NUDGE in es has no voice",
                 id="a voice missing in Spanish"),
    pytest.param(ES, "Lo guardamos con su pedido. Ahora", "Alguien le llama. Ahora", "Q1N:\n",
                 "Q1N: 'Alguien le llam' promises a person", id="a hidden promise in Spanish"),
    pytest.param(ES, "Sin prisa. Guardamos", "Sin ninguna prisa, de verdad. Guardamos", "NUDGE:\n",
                 "NUDGE in es can be 163 characters in", id="too long in Spanish"),
    pytest.param(ES, "Sin prisa. Guardamos", "Sin ningún apuro. Guardamos", "NUDGE:\n",
                 "NUDGE in es can be 151 characters in", id="three parts in Spanish"),
    pytest.param(COUNTRIES, "Gracias por decir su edad.",
                 "Gracias por habernos dicho su edad, de verdad.",
                 "          YOUTH:\n            sms: \"Gracias", "YOUTH in es can be 1",
                 id="too long in one country"),
    pytest.param(COUNTRIES, "languages: [en, es]", "languages: [en, fr]", "languages: [en, fr]",
                 "there is no language fr", id="a language that is not there"),
    pytest.param("callbacks.yaml", "ring_staff: 20", "ring_staff: soon", "ring_staff: soon",
                 "expected a whole number, not 'soon'", id="wrong type"),
    pytest.param("callbacks.yaml", "lease: 60\n", "", "dispositions:\n",
                 "callbacks.yaml: lease is missing", id="missing key"),
    pytest.param("escalation.yaml", "who: all}", "who: tier2}", "steps:\n",
                 "the last step must page all", id="a ladder that ends"),
    pytest.param("carrier_words.yaml", "help: [HELP,", "help: [STOP, HELP,", "help: [STOP",
                 "'stop' stands already in stop", id="a word in two families"),
    pytest.param("lexicon/en/suicide.yaml", "      - severity: C", "      - severity: X",
                 "severity: X", "severity 'X' is none of E, C, L, W, T, M", id="lexicon severity"),
    pytest.param(EN, 'days ago, 3."\n    - "Over', "days ago, 3. Over",
                 '  voice:\n    - "When was the last use?', "a text, or a list of its two halves",
                 id="half of a spoken question"),
    pytest.param(EN, '  voice:\n    - "Which of these do you have now?',
                 '  voice:\n    - "5"\n    - "Which of these do you have now?',
                 '  voice:\n    - "5"', "a text, or a list of its two halves", id="three halves"),
    pytest.param(ES, 'Se confunde, 4."\n    - "Ve u oye cosas, 5. ',
                 'Se confunde, 4. Ve u oye cosas, 5."\n    - "', "L3:\n",
                 "L3 in es speaks 5 options in one half; at most 4 at once", id="a half too long"),
    pytest.param("telephone.yaml", "options_at_once: 4", "options_at_once: 0", "options_at_once: 0",
                 "options_at_once must be more than 0", id="no options at once"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "marker", "message"), MISTAKES)
def test_a_mistake_is_reported_where_it_stands(
    copy: Copy, file: str, old: str, new: str, marker: str, message: str
) -> None:
    copy.plant(file, old, new)
    found = [problem for problem in copy.problems() if message in problem.message]
    assert [(p.file, p.line) for p in found] == [(file, copy.line(file, marker))], copy.problems()


def test_an_answer_that_would_page_somebody_is_refused(copy: Copy) -> None:
    copy.plant("protocol/states.yaml", "[none, nothing]", "[none, nothing, nothing to live for]")
    found = copy.problems()
    [message] = {problem.message for problem in found}
    assert message.startswith("'nothing to live for' is an answer that means no danger")
    assert copy.line("protocol/states.yaml", "LOC_1:\n") in {problem.line for problem in found}


def test_a_long_question_without_halves_is_refused(copy: Copy) -> None:
    path = copy.root / EN
    text = path.read_text(encoding="utf-8")
    in_halves = re.compile(r'(^L2:\n(?:  .*\n)*?)  voice:\n    - "(.*)"\n    - "(.*)"\n', re.M)
    whole = in_halves.sub(r'\1  voice: "\2 \3"\n', text)
    assert whole != text
    path.write_text(whole, encoding="utf-8")
    assert copy.problems() == [
        Problem(EN, copy.line(EN, "L2:\n"),
                "L2 in en speaks 5 options and has no halves; at most 4 at once")
    ]  # fmt: skip


def test_all_mistakes_of_all_files_are_reported_at_once(copy: Copy) -> None:
    copy.plant(STATES, "go: SUI_2, words", "go: SUI_22, words")
    copy.plant(RULES, "{answer: {SQ4: [1]}}", "{answer: {SQ4: [7]}}")
    copy.plant(EN, "  off_duty: E1N\n", "")
    copy.plant(COUNTRIES, 'emergency: "999"', 'emergency: "998"')
    (copy.root / "escalation.yaml").unlink()
    (copy.root / "callbacks.yaml").write_text("dispositions: [\n")
    files = {problem.file for problem in copy.problems()}
    assert files >= {STATES, RULES, EN, COUNTRIES, "escalation.yaml", "callbacks.yaml"}
    assert str(copy.problems()[0]).count(":") >= 2


@pytest.mark.parametrize("content", ["", "[]", "- a\n- b: {", "\x00", "a: &x\n  b: *x\n", "?"])
@pytest.mark.parametrize("file", [STATES, EN, COUNTRIES, "carrier_words.yaml"])
def test_a_broken_file_is_a_problem_and_never_a_crash(copy: Copy, file: str, content: str) -> None:
    (copy.root / file).write_text(content)
    assert any(problem.file == file for problem in copy.problems())


def test_an_empty_directory_names_every_file(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as caught:
        load_protocol(tmp_path)
    missing = {Path(p.file).name for p in caught.value.problems if "is missing" in p.message}
    assert missing >= {"states.yaml", "rules.yaml", "en.yaml", "countries.yaml", "callbacks.yaml"}


def test_the_real_configuration_loads() -> None:
    protocol = load_protocol(CONFIG)
    assert len(protocol.states) == 40
    assert len(protocol.rules) == 41
    assert protocol.offered == ("en", "es")
    assert set(protocol.countries) == {
        *("US", "CA", "GB", "IE", "AU", "NZ", "ES", "MX", "IN", "DE", "ZZ")
    }
    assert protocol.carrier_words["stop_ours"] >= {"alto", "stop texting me", "opt out"}
    for language in protocol.messages:
        words = protocol.answer_words[language]
        assert "yes" in words["yes"]
        assert "0" in words["person"]
        assert "nine" in words["9"]
        assert "no se" in words["unsure"]
        assert "one" not in words["yes"]
    assert protocol.callbacks.by_disposition[Disposition.URGENT_15].deadline.seconds == 900
    assert [step.who for step in protocol.escalation.steps] == [
        "tier1",
        "tier2",
        "supervisor",
        "all",
    ]
    assert pack_for(protocol, "KE") is protocol.countries["ZZ"]
    assert all(list(walk(rule.when)) for rule in protocol.rules)


def test_the_words_of_contract_and_protocol_are_verbatim() -> None:
    english = load_protocol(CONFIG).messages["en"]
    assert english["EV"].sms == (
        "If someone may hurt you or a child: get away if you can and call {EMG} now. "
        "We will not ring you unless you reply 1. Can't talk? Text where you are."
    )
    assert english["SQC"].sms == (
        "To be sure we understand: thoughts of suicide or of not being alive? 1 Yes "
        "2 No, something else 3 Not sure. Any time: {CRISIS}, or {EMG} if in danger."
    )
    assert "lie on your side" not in (english["EM"].sms or "")


def test_the_hash_names_the_content_and_not_its_layout(copy: Copy) -> None:
    if copy.before:
        pytest.skip("the configuration has mistakes of its own")
    first = load_protocol(copy.root).hash
    copy.plant(EN, "# What the line says", "# What this line says")
    assert load_protocol(copy.root).hash == first
    copy.plant(EN, "Sorry, we didn't get that.", "Sorry, we did not get that.")
    assert load_protocol(copy.root).hash != first


def test_stale_numbers_warn_and_do_not_stop(copy: Copy) -> None:
    if copy.before:
        pytest.skip("the configuration has mistakes of its own")
    copy.plant(COUNTRIES, "verified_at: null, verified_by: null",
               "verified_at: 2025-01-01, verified_by: Ana")  # fmt: skip
    summary = summarise(copy.root, TODAY)
    assert any("US emergency Emergency: last verified on 2025-01-01" in w for w in summary.warnings)
    assert any("never verified" in warning for warning in summary.warnings)


def test_check_prints_counts_or_every_mistake(copy: Copy) -> None:
    if copy.before:
        pytest.skip("the configuration has mistakes of its own")
    out = io.StringIO()
    assert print_check(copy.root, out, TODAY) == 0
    assert "40 states, 41 rules" in out.getvalue()
    assert re.search(r"^es \(offered\): \d+ messages, complete for callers,", out.getvalue(), re.M)
    copy.plant(RULES, "disposition: ROUTINE", "disposition: SOMETIME")
    out = io.StringIO()
    assert print_check(copy.root, out, TODAY) == 1
    line = copy.line(RULES, "SOMETIME")
    assert f"{copy.root / RULES}:{line}: 'SOMETIME' is not known" in out.getvalue()


def test_check_names_what_a_language_that_is_not_offered_lacks(copy: Copy) -> None:
    if copy.before:
        pytest.skip("the configuration has mistakes of its own")
    copy.plant(COUNTRIES, "languages: [en, es]", "languages: [en]")
    spanish = (copy.root / ES).read_text(encoding="utf-8")
    copy.plant(ES, spanish[spanish.index("\nC4:\n") : spanish.index("\nC5:\n")], "")
    out = io.StringIO()
    assert print_check(copy.root, out, TODAY) == 0
    assert re.search(r"^es \(danger answers only\): \d+ messages, 1 missing,", out.getvalue(), re.M)
    assert "\n  said in English: C4\n" in out.getvalue()


def test_the_drawing_shows_every_state() -> None:
    protocol = load_protocol(CONFIG)
    drawing = draw(protocol)
    assert drawing.startswith("flowchart TD\n")
    for name in protocol.states:
        assert f"{name}" in drawing
    assert 'SAFETY_MED -->|"S2=1/3"| EMERGENCY' in drawing
