"""What TwiML is accepted, as a table."""

from __future__ import annotations

import pytest

from helpline.simulator.twiml import MAX_BYTES, TwimlError, parse
from helpline.simulator.twiml_schema import elements_of

MARKUP_THAT_IS_ONLY_SOUND = {
    ("break", "strength"),
    ("phoneme", "ph"),
    ("prosody", "volume"),
    ("prosody", "rate"),
    ("prosody", "pitch"),
    ("say-as", "interpret-as"),
    ("say-as", "format"),
    ("sub", "alias"),
    ("w", "role"),
}


def problems(inside: str, channel: str = "voice") -> tuple[str, ...]:
    return parse(
        f"<Response>{inside}</Response>".encode(), "text/xml; charset=utf-8", channel
    ).problems


NUMBER = "<Number>+12025550111</Number>"
GOOD_VOICE = [
    '<Say language="es-US" voice="Polly.Lupe" loop="2">Hola</Say><Pause length="2"/><Hangup/>',
    "<Say>Press <break time='1s'/> one</Say>",
    "<Say><prosody rate='slow'>Breathe <emphasis level='strong'>in</emphasis></prosody></Say>",
    "<Play loop='0'>https://line.example/music.mp3</Play>",
    "<Play digits='wW12#'/>",
    (
        '<Gather input="dtmf speech" numDigits="1" timeout="8" speechTimeout="auto" '
        'action="/a?b=1" method="POST" hints="yes, no, I took too much" language="en-US" '
        'finishOnKey="" actionOnEmptyResult="true" bargeIn="false" profanityFilter="false" '
        'speechModel="phone_call"><Say>Well?</Say><Pause/><Play>/beep.mp3</Play></Gather>'
    ),
    (
        '<Dial action="/d" timeLimit="3600"><Conference beep="false" startConferenceOnEnter="true" '
        'endConferenceOnExit="true" waitUrl="" muted="false" maxParticipants="4" '
        'participantLabel="caller" statusCallback="/c" '
        'statusCallbackEvent="start end join leave mute hold speaker">case-1</Conference></Dial>'
    ),
    (
        '<Dial callerId="+12025550100" timeout="20" answerOnBridge="true">'
        '<Number url="/w" statusCallback="/s" statusCallbackEvent="initiated answered" '
        'machineDetection="Enable" amdStatusCallback="/amd">+12025550111</Number></Dial>'
    ),
    f"<Dial sequential='true'>{NUMBER * 10}</Dial>",
    "<Dial>+12025550111</Dial>",
    "<Dial><Queue url='/whisper'>support</Queue></Dial>",
    '<Enqueue waitUrl="/wait" action="/left" maxQueueSize="20">support</Enqueue>',
    (
        '<Record action="/r" maxLength="120" playBeep="true" transcribeCallback="/t" '
        'recordingStatusCallback="/k" recordingStatusCallbackEvent="in-progress completed absent"/>'
    ),
    '<Redirect method="POST">/twilio/voice/step</Redirect>',
    '<Reject reason="busy"/>',
    "<Leave/>",
]
BAD_VOICE = [
    # verbs and where they stand
    ("<Shout>hi</Shout>", "unknown in"),
    ("<say>hi</say>", "unknown in"),
    ("<Message>hi</Message>", "unknown in"),
    ("<Gather><Dial>+12025550111</Dial></Gather>", "not allowed in <Gather>"),
    ("<Say><Pause/>a</Say>", "not allowed in <Say>"),
    ("<Record><Say>a</Say></Record>", "not allowed in <Record>"),
    ("<Conference>x</Conference>", "not allowed in <Response>"),
    ("<Dial><Sip>sip:a@b.example</Sip></Dial>", "not performed here"),
    ("<Dial><Client>ana</Client></Dial>", "not performed here"),
    ("<Connect/>", "not performed here"),
    ("<Hangup/><Say>a</Say>", "unreachable"),
    ("<Redirect>/a</Redirect><Redirect>/b</Redirect>", "unreachable"),
    ("<Say>a</Say><Reject/>", "not the first verb"),
    # how many
    (f"<Dial>{NUMBER * 11}</Dial>", "11 <Number>, 10 are allowed"),
    ("<Dial><Conference>a</Conference><Conference>b</Conference></Dial>", "1 are allowed"),
    (f"<Dial>{NUMBER}<Conference>b</Conference></Dial>", "mixes nouns"),
    (f"<Dial>+12025550112{NUMBER}</Dial>", "both words and elements"),
    # words
    ("hello", "outside of a verb"),
    ("<Say>a</Say>hello", "outside of a verb"),
    ("<Hangup>now</Hangup>", "outside of a verb"),
    ("<Say></Say>", "is empty"),
    ("<Play/>", "is empty"),
    ("<Dial/>", "is empty"),
    ("<Dial><Number/></Dial>", "is empty"),
    ("<Dial><Conference/></Dial>", "is empty"),
    ("<Enqueue/>", "is empty"),
    ("<Redirect/>", "is empty"),
    (f"<Say>{'x' * 4097}</Say>", "4096 are allowed"),
    (f"<Dial><Conference>{'x' * 129}</Conference></Dial>", "128 are allowed"),
    (f"<Enqueue>{'x' * 65}</Enqueue>", "64 are allowed"),
    ("<Dial>the crisis line</Dial>", "text 'the crisis line' is not allowed"),
    ("<Dial><Number>anonymous</Number></Dial>", "is not allowed"),
    # attributes
    ('<Say volume="3">a</Say>', "no attribute 'volume'"),
    ('<Gather num_digits="1"/>', "no attribute"),
    ('<Hangup reason="bye"/>', "no attribute"),
    ("<Conference/>", "not allowed in <Response>"),
    # values: whole numbers
    ('<Pause length="soon"/>', "not an allowed value"),
    ('<Pause length="0"/>', "not an allowed value"),
    ('<Pause length="1.5"/>', "not an allowed value"),
    ('<Pause length="181"/>', "not an allowed value"),
    ('<Gather numDigits="0"/>', "not an allowed value"),
    ('<Gather timeout="-1"/>', "not an allowed value"),
    ('<Gather speechTimeout="automatic"/>', "not an allowed value"),
    ('<Dial timeout="601">+12025550111</Dial>', "not an allowed value"),
    ('<Dial timeLimit="0"><Conference>x</Conference></Dial>', "not an allowed value"),
    ('<Dial><Conference maxParticipants="251">x</Conference></Dial>', "not an allowed value"),
    ('<Record maxLength="0"/>', "not an allowed value"),
    # values: words from a list
    ('<Gather input="voice"/>', "not an allowed value"),
    ('<Gather bargeIn="yes"/>', "not an allowed value"),
    ('<Gather bargeIn="True"/>', "not an allowed value"),
    ('<Gather method="PUT"/>', "not an allowed value"),
    ('<Reject reason="tired"/>', "not an allowed value"),
    ('<Record trim="yes"/>', "not an allowed value"),
    (
        '<Dial><Conference statusCallbackEvent="joined">x</Conference></Dial>',
        "not an allowed value",
    ),
    ('<Record recordingStatusCallbackEvent="done"/>', "not an allowed value"),
    ('<Dial><Number machineDetection="true">+12025550111</Number></Dial>', "not an allowed value"),
    # values: keys, languages, voices, hints, numbers
    ('<Gather finishOnKey="A"/>', "not an allowed value"),
    ('<Gather finishOnKey="##"/>', "not an allowed value"),
    ('<Play digits="1,2"/>', "not an allowed value"),
    ('<Gather language="en"/>', "not an allowed value"),
    ('<Say language="English">a</Say>', "not an allowed value"),
    ('<Say voice="Samantha">a</Say>', "not an allowed value"),
    ('<Gather speechModel="best"/>', "not an allowed value"),
    (f'<Gather hints="{"a," * 500}a"/>', "not an allowed value"),
    (f'<Gather hints="{"a" * 101}"/>', "not an allowed value"),
    ('<Gather hints="yes,,no"/>', "not an allowed value"),
    ('<Dial callerId="anonymous">+12025550111</Dial>', "not an allowed value"),
    # addresses
    ('<Gather action="/köln"/>', "not an allowed value"),
    ('<Gather action="/a b"/>', "not an allowed value"),
    ('<Gather action=""/>', "not an allowed value"),
    ('<Record recordingStatusCallback="//elsewhere"/>', "not an allowed value"),
    ('<Dial action="https://">+12025550111</Dial>', "not an allowed value"),
    ("<Redirect>ftp://example.org/x</Redirect>", "is not allowed"),
    ("<Play>file:///etc/passwd</Play>", "is not allowed"),
]
OTHER_DOCUMENTS = [
    ("wait", "<Say>a</Say><Play>/m.mp3</Play><Pause/><Redirect>/wait</Redirect>", ""),
    ("wait", "<Gather/>", "not allowed in <Response>"),
    ("wait", "<Hangup/>", "not allowed in <Response>"),
    ("wait", "<Dial>+12025550111</Dial>", "not allowed in <Response>"),
    ("whisper", "<Gather numDigits='1'><Say>Press 1</Say></Gather><Hangup/>", ""),
    ("whisper", "<Dial>+12025550111</Dial>", "not allowed in <Response>"),
    ("queue", "<Gather/><Leave/>", ""),
    ("queue", "<Record/>", "not allowed in <Response>"),
]
GOOD_TEXT = [
    "",
    "<Message>one</Message><Message>two</Message>",
    '<Message statusCallback="/s"><Body>hi</Body><Media>https://line.example/a.png</Media></Message>',
    "<Redirect>/other</Redirect>",
]
BAD_TEXT = [
    ("<Say>hi</Say>", "unknown in"),
    ("<Message></Message>", "is empty"),
    (f"<Message>{'x' * 1601}</Message>", "1600 are allowed"),
    (f"<Message><Body>{'x' * 1601}</Body></Message>", "1600 are allowed"),
    ("<Body>hi</Body>", "not allowed in <Response>"),
    ("<Message><Body>a</Body><Body>b</Body></Message>", "1 are allowed"),
    ("<Message>a<Body>b</Body></Message>", "both words and elements"),
    ("<Message><Media>ftp://x.example/a</Media></Message>", "is not allowed"),
    ('<Message sender="x">hi</Message>', "no attribute"),
]


@pytest.mark.parametrize("inside", GOOD_VOICE)
def test_correct_voice_documents_have_no_problems(inside):
    assert problems(inside) == ()


@pytest.mark.parametrize(("inside", "expected"), BAD_VOICE)
def test_wrong_voice_documents_are_described(inside, expected):
    found = problems(inside)
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(("kind", "inside", "expected"), OTHER_DOCUMENTS)
def test_who_asks_decides_which_verbs_a_document_may_hold(kind, inside, expected):
    found = problems(inside, kind)
    assert [expected in problem for problem in found] == ([True] if expected else [])


def test_every_verb_of_the_documentation_has_a_row_that_the_tables_above_accept():
    accepted = "".join(GOOD_VOICE + GOOD_TEXT)
    rows = {**elements_of("voice"), **elements_of("messaging")}
    unseen = {name for name in rows if name[0].isupper() and f"<{name}" not in accepted}
    assert unseen == {"Response"}


def test_every_attribute_refuses_something():
    """A row whose check lets everything pass is no check: those that must are named here."""
    free = {("Message", "to"), ("Message", "from"), *MARKUP_THAT_IS_ONLY_SOUND}
    lax = {
        (name, attribute)
        for name, rule in {**elements_of("voice"), **elements_of("messaging")}.items()
        for attribute, check in rule.attributes.items()
        if check("\x07 not a value of anything \x07" * 50)
    }
    assert lax == free


@pytest.mark.parametrize("inside", GOOD_TEXT)
def test_correct_messaging_documents_have_no_problems(inside):
    assert problems(inside, "messaging") == ()


@pytest.mark.parametrize(("inside", "expected"), BAD_TEXT)
def test_wrong_messaging_documents_are_described(inside, expected):
    found = problems(inside, "messaging")
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"<Response/>", "text/plain", 12300),
        (b"<Response/>", "text/html; charset=utf-8", 12300),
        (b"<Response>", "text/xml", 12100),
        (b"<Response>&nbsp;</Response>", "text/xml", 12100),
        (b"<!DOCTYPE x><Response/>", "text/xml", 12100),
        (b"<Answer/>", "text/xml", 12102),
        (b"<Response>" + b" " * MAX_BYTES + b"</Response>", "text/xml", 11750),
        (b"", "text/xml", 12100),
    ],
)
def test_unusable_documents_raise_twilios_code(body, content_type, code):
    with pytest.raises(TwimlError) as caught:
        parse(body, content_type, "voice")
    assert caught.value.code == code


def test_an_empty_answer_to_a_text_is_fine_whatever_its_type():
    assert parse(b"", "text/html", "messaging").verbs == ()


def test_entities_and_several_scripts_survive():
    (say,) = parse(
        "<Response><Say>¿Qué &amp; cómo? 你好</Say></Response>".encode(), "application/xml", "voice"
    ).verbs
    assert say.text == "¿Qué & cómo? 你好"
