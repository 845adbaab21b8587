"""``facilities.yaml``: places that specialists bring into a call with one key."""

from collections import Counter
from collections.abc import Mapping

from helpline.content.nodes import Node
from helpline.content.notebook import Notebook
from helpline.domain.forbidden import Forbidden, why_forbidden
from helpline.domain.phone import find_phone
from helpline.domain.protocol import Country, Facility

_FILE = "facilities.yaml"
_FIELDS = ("name", "phone", "countries")
LONGEST_NAME = 20
MOST = 9
"""One key each."""


def read_facilities(notebook: Notebook, packs: Mapping[str, Country]) -> tuple[Facility, ...]:
    """Every facility in the order of the file; its number must be one that may be dialled."""
    fields = notebook.fields(notebook.document(_FILE), _FILE, ("facilities",), ("facilities",))
    nodes = notebook.items(fields.get("facilities"), "facilities")
    found = tuple(_facility(notebook, node, packs) for node in nodes)
    offered = Counter(iso for facility in found for iso in facility.countries)
    for iso, count in sorted(offered.items()):
        if count > MOST:
            notebook.wrong(
                nodes[0].place, f"{count} facilities for {iso}, at most {MOST} have a key"
            )
    return found


def _facility(notebook: Notebook, node: Node, packs: Mapping[str, Country]) -> Facility:
    fields = notebook.fields(node, "facility", _FIELDS, _FIELDS)
    name, e164 = notebook.text(fields.get("name")), notebook.text(fields.get("phone"))
    if "name" in fields and not 0 < len(name.strip()) <= LONGEST_NAME:
        notebook.wrong(fields["name"].place, f"a name of 1 to {LONGEST_NAME} letters")
    phone = find_phone(e164)
    never = frozenset[str]().union(*(pack.never_dial for pack in packs.values()))
    why = why_forbidden(phone.e164, frozenset(packs), never) if phone else Forbidden.NOT_A_NUMBER
    if "phone" in fields and why is not None:
        notebook.wrong(fields["phone"].place, f"this is {why}, which is never dialled")
    countries = tuple(
        notebook.one_of(item, tuple(packs), "")
        for item in notebook.items(fields.get("countries"), "countries")
    )
    if "countries" in fields and not countries:
        notebook.wrong(fields["countries"].place, "a facility is for one country at least")
    return Facility(name=name.strip(), phone=phone.e164 if phone else "", countries=countries)
