"""``outbound.yaml``: how fast the carrier is asked, how often again, and when a machine rests."""

from datetime import timedelta

from helpline.content.nodes import Node
from helpline.content.notebook import Notebook
from helpline.domain.answers import plain
from helpline.domain.pace import Rate, RetryRules
from helpline.domain.protocol import LoopRules, OutboundRules

_PARTS = ("calls", "texts", "retries", "quiet", "loop")
_LOOP = ("answers", "within", "rest", "letters_per_second", "typed_letters", "signatures")


def read_outbound(notebook: Notebook) -> OutboundRules:
    """Rates, retries and the loop guard; every number must be more than 0."""
    document = notebook.document("outbound.yaml")
    fields = notebook.fields(document, "outbound.yaml", _PARTS, required=_PARTS)
    calls = notebook.fields(fields.get("calls"), "calls", ("account",), ("account",))
    numbers = ("number", "account")
    texts = notebook.fields(fields.get("texts"), "texts", numbers, numbers)
    quiet = notebook.fields(fields.get("quiet"), "quiet", ("awake",), ("awake",))
    return OutboundRules(
        calls=_rate(notebook, calls.get("account"), "account"),
        texts_of_number=_rate(notebook, texts.get("number"), "number"),
        texts=_rate(notebook, texts.get("account"), "account"),
        retries=_retries(notebook, fields.get("retries")),
        awake=notebook.seconds(quiet.get("awake")),
        loop=_loop(notebook, fields.get("loop")),
    )


def _rate(notebook: Notebook, node: Node | None, name: str) -> Rate:
    known = ("per_second", "burst")
    fields = notebook.fields(node, name, known, known)
    return Rate(
        per_second=_positive(notebook, fields.get("per_second"), "per_second"),
        burst=_positive(notebook, fields.get("burst"), "burst"),
    )


def _retries(notebook: Notebook, node: Node | None) -> RetryRules:
    known = ("pauses", "most", "crisis_within")
    fields = notebook.fields(node, "retries", known, known)
    pauses = tuple(
        timedelta(seconds=_positive(notebook, item, "pauses"))
        for item in notebook.items(fields.get("pauses"), "pauses")
    )
    if not pauses and "pauses" in fields:
        notebook.wrong(fields["pauses"].place, "pauses must name at least one pause")
    within = _positive(notebook, fields.get("crisis_within"), "crisis_within")
    return RetryRules(
        pauses=pauses or (timedelta(seconds=1),),
        most=_positive(notebook, fields.get("most"), "most"),
        crisis_within=timedelta(seconds=within),
    )


def _loop(notebook: Notebook, node: Node | None) -> LoopRules:
    fields = notebook.fields(node, "loop", _LOOP, _LOOP)
    whole = {name: _positive(notebook, fields.get(name), name) for name in _LOOP[:-1]}
    if "rest" in fields and "within" in fields and whole["rest"] < whole["within"]:
        notebook.wrong(fields["rest"].place, "rest must not be shorter than within")
    signatures = notebook.words(fields.get("signatures"), "signatures")
    return LoopRules(
        answers=whole["answers"],
        within=timedelta(seconds=whole["within"]),
        rest=timedelta(seconds=whole["rest"]),
        letters_per_second=whole["letters_per_second"],
        typed_letters=whole["typed_letters"],
        signatures=tuple(plain(words) for words in signatures),
    )


def _positive(notebook: Notebook, node: Node | None, name: str) -> int:
    number = notebook.whole(node, 1)
    if node is not None and number < 1:
        notebook.wrong(node.place, f"{name} must be more than 0")
    return max(number, 1)
