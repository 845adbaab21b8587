"""A caller who goes on in Spanish hears and reads Spanish to the end, by text and by voice."""

from helpline.domain.speech import Ask, Say
from helpline.store import tables
from tests.builders import Scene
from tests.spanish import ENGLISH, FOR_CARRIERS
from tests.telephone import VoiceCaller

ANSWERS = ("para mí", "no", "no", "no", "ketamina", "hace semanas", "nada", "ninguna", "terapia",
           "saltar", "no tengo seguro", "a este número", "lo antes posible", "no", "saltar",
           "español")  # fmt: skip
"""What somebody says, by text or voice, who only wants therapy."""


def english_in(words: str) -> set[str]:
    return set(ENGLISH.findall(words)) - FOR_CARRIERS


def test_a_text_in_spanish_is_answered_in_spanish_until_the_call_is_promised(scene: Scene) -> None:
    ana = scene.staff(languages=["en", "es"])
    caller = scene.phone()
    for words in ("hola", *ANSWERS):
        caller.texts(words)
        assert english_in(" ".join(caller.answers)) == set(), caller.answers
        caller.unread_answers = False
    caller.expects_words("Un especialista le llama lo antes posible")
    assert scene.only(tables.callback)["language"] == "es"
    assert not ana.rings()


def test_a_call_in_spanish_is_spoken_and_heard_in_spanish(scene: Scene) -> None:
    scene.staff(languages=["en", "es"])
    caller = VoiceCaller(scene).rings().says("Español.")
    caller.hears("¿Por quién llama?")
    for words in (*ANSWERS, "no"):
        heard = [step for step in caller.told if isinstance(step, Ask | Say)]
        assert {step.language for step in heard} == {"es-US"}
        assert english_in(caller.words) == set(), caller.words
        caller.says(words)
    caller.hears("su lugar en la fila queda guardado", "Para dejar un mensaje, oprima 3.")
    assert english_in(caller.words) == set()


def test_a_call_that_is_left_at_spanish_words_of_danger_reaches_a_person(scene: Scene) -> None:
    ana = scene.staff()
    caller = VoiceCaller(scene).rings().presses("8").says("mi hijo no respira")
    caller.hears("Llame al 9 1 1 ahora")
    scene.work()
    assert len(ana.rings()) == 1
