"""Password, second factor, lock, invitation: who gets in, and who does not."""

from datetime import timedelta
from urllib.parse import urlsplit

import pyotp
import pytest

from helpline.service.console import passwords, signing_in
from helpline.service.console.passwords import WeakPassword
from helpline.service.console.signing_in import Opened, Refusal
from helpline.store import accounts, people, tables
from helpline.store.accounts import Stage
from tests.builders import Scene

PASSWORD = "a heron stood in the rain"
HERE, THERE = "192.0.2.1", "192.0.2.2"


def invited(scene: Scene, role: str = "specialist", login: str = "ana") -> tuple[str, list[str]]:
    """Somebody who has accepted an invitation: their second factor and recovery codes."""
    person = scene.staff(role=role)
    token = signing_in.invite(scene.store, scene.clock, person.id, actor="test")
    found = signing_in.find_invited(scene.rt, token)
    assert found is not None
    code = pyotp.TOTP(found.totp).at(scene.now)
    done = signing_in.accept(scene.rt, token, login=login, password=PASSWORD, code=code)
    assert not isinstance(done, Refusal), done
    scene.clock.advance(60)
    return found.totp, done[1]


def enter(
    scene: Scene, login: str = "ana", password: str = PASSWORD, address: str = HERE
) -> object:
    return signing_in.begin(scene.rt, login=login, password=password, address=address)


def code_of(scene: Scene, secret: str) -> str:
    return pyotp.TOTP(secret).at(scene.now)


def test_password_and_code_open_the_pages_under_a_new_token(scene: Scene) -> None:
    secret, _ = invited(scene)
    half = enter(scene, "ANA ")
    assert isinstance(half, Opened)
    assert half.stage is Stage.SECOND
    whole = signing_in.second(scene.rt, half.token, code=code_of(scene, secret), address=HERE)
    assert isinstance(whole, Opened)
    assert whole.stage is Stage.OPEN
    assert whole.token != half.token
    assert signing_in.find_visitor(scene.rt, half.token, active=True) is None
    found = signing_in.find_visitor(scene.rt, whole.token, active=True)
    assert found is not None
    assert found.person.name == "Ana"


def test_half_way_is_not_inside(scene: Scene) -> None:
    invited(scene)
    half = enter(scene)
    assert isinstance(half, Opened)
    found = signing_in.find_visitor(scene.rt, half.token, active=True)
    assert found is not None
    assert found.stage is Stage.SECOND
    scene.clock.advance(6 * 60)
    assert signing_in.find_visitor(scene.rt, half.token, active=True) is None


def test_a_code_works_once(scene: Scene) -> None:
    secret, _ = invited(scene)
    code = code_of(scene, secret)
    for wanted in (Opened, Refusal):
        half = enter(scene)
        assert isinstance(half, Opened)
        done = signing_in.second(scene.rt, half.token, code=code, address=HERE)
        assert isinstance(done, wanted)


def test_the_code_that_accepted_the_invitation_is_used_up(scene: Scene) -> None:
    person = scene.staff()
    token = signing_in.invite(scene.store, scene.clock, person.id, actor="test")
    found = signing_in.find_invited(scene.rt, token)
    assert found is not None
    code = pyotp.TOTP(found.totp).at(scene.now)
    done = signing_in.accept(scene.rt, token, login="ana", password=PASSWORD, code=code)
    assert not isinstance(done, Refusal)
    half = enter(scene)
    assert isinstance(half, Opened)
    again = signing_in.second(scene.rt, half.token, code=code, address=HERE)
    assert again is Refusal.CODE


@pytest.mark.parametrize(("seconds", "fits"), [(-30, True), (30, True), (-90, False), (90, False)])
def test_a_clock_may_be_half_a_minute_off(quick: Scene, seconds: int, fits: bool) -> None:
    secret = passwords.new_secret()
    code = pyotp.TOTP(secret).at(quick.now + timedelta(seconds=seconds))
    assert (passwords.find_step(secret, code, quick.now) is not None) is fits


def test_a_recovery_code_works_once_and_with_any_capitals(scene: Scene) -> None:
    _, codes = invited(scene)
    assert len(set(codes)) == 10
    for wanted in (Opened, Refusal):
        half = enter(scene)
        assert isinstance(half, Opened)
        done = signing_in.second(scene.rt, half.token, code=f" {codes[3].upper()} ", address=HERE)
        assert isinstance(done, wanted)


def test_nobody_learns_whether_a_name_exists(scene: Scene) -> None:
    invited(scene)
    assert enter(scene, "ana", "wrong wrong wrong") is Refusal.WRONG
    assert enter(scene, "nobody", PASSWORD) is Refusal.WRONG


def test_five_wrong_passwords_close_the_name_for_a_while_from_anywhere(scene: Scene) -> None:
    invited(scene)
    for _ in range(5):
        assert enter(scene, password="wrong wrong wrong") is Refusal.WRONG
    assert enter(scene) is Refusal.OFTEN
    assert enter(scene, address=THERE) is Refusal.OFTEN
    scene.clock.advance(15 * 60 + 1)
    assert isinstance(enter(scene), Opened)


def test_one_address_that_tries_many_names_is_refused(quick: Scene) -> None:
    invited(quick)
    for number in range(30):
        assert enter(quick, f"name{number}", "x") is Refusal.WRONG
    assert enter(quick) is Refusal.OFTEN
    assert isinstance(enter(quick, address=THERE), Opened)


def test_wrong_codes_count_too(scene: Scene) -> None:
    invited(scene)
    half = enter(scene)
    assert isinstance(half, Opened)
    for _ in range(5):
        assert signing_in.second(scene.rt, half.token, code="000000", address=HERE) is Refusal.CODE
    assert signing_in.second(scene.rt, half.token, code="000000", address=HERE) is Refusal.OFTEN
    assert enter(scene) is Refusal.OFTEN


def inside(scene: Scene) -> str:
    secret, _ = invited(scene)
    half = enter(scene)
    assert isinstance(half, Opened)
    whole = signing_in.second(scene.rt, half.token, code=code_of(scene, secret), address=HERE)
    assert isinstance(whole, Opened)
    return whole.token


def test_an_idle_page_locks_and_a_page_that_refreshes_is_idle(scene: Scene) -> None:
    token = inside(scene)
    for _ in range(4):
        scene.clock.advance(10 * 60)
        found = signing_in.find_visitor(scene.rt, token, active=False)
        assert found is not None
        locked = found.locked
    assert locked
    assert signing_in.unlock(scene.rt, token, password="no", address=HERE) is Refusal.WRONG
    opened = signing_in.unlock(scene.rt, token, password=PASSWORD, address=HERE)
    assert isinstance(opened, Opened)
    assert opened.token != token
    again = signing_in.find_visitor(scene.rt, opened.token, active=True)
    assert again is not None
    assert not again.locked


def test_whoever_works_is_not_locked_but_a_shift_ends(scene: Scene) -> None:
    token = inside(scene)
    for _ in range(13 * 4):
        scene.clock.advance(15 * 60)
        found = signing_in.find_visitor(scene.rt, token, active=True)
        assert found is not None
        assert not found.locked
    scene.clock.advance(3600 + 1)
    assert signing_in.find_visitor(scene.rt, token, active=True) is None


def test_signing_out_and_leaving_close_every_page(scene: Scene) -> None:
    token = inside(scene)
    signing_in.sign_out(scene.rt, token)
    assert signing_in.find_visitor(scene.rt, token, active=True) is None
    second = inside_again(scene)
    with scene.store.begin() as tx:
        known = accounts.find_credential(tx, "ana")
        assert known is not None
        people.disable(tx, known.staff_id, scene.now)
    assert signing_in.find_visitor(scene.rt, second, active=True) is None
    assert enter(scene) is Refusal.WRONG


def inside_again(scene: Scene) -> str:
    with scene.store.read() as tx:
        known = accounts.find_credential(tx, "ana")
    assert known is not None
    assert known.totp is not None
    scene.clock.advance(60)
    half = enter(scene)
    assert isinstance(half, Opened)
    whole = signing_in.second(scene.rt, half.token, code=code_of(scene, known.totp), address=HERE)
    assert isinstance(whole, Opened)
    return whole.token


def test_an_invitation_works_once_and_for_three_days(scene: Scene) -> None:
    person = scene.staff()
    first = signing_in.invite(scene.store, scene.clock, person.id, actor="test")
    second = signing_in.invite(scene.store, scene.clock, person.id, actor="test")
    assert signing_in.find_invited(scene.rt, first) is None, "a newer one takes its place"
    found = signing_in.find_invited(scene.rt, second)
    assert found is not None
    code = pyotp.TOTP(found.totp).at(scene.now)
    done = signing_in.accept(scene.rt, second, login="ana", password=PASSWORD, code=code)
    assert not isinstance(done, Refusal)
    assert signing_in.find_invited(scene.rt, second) is None
    third = signing_in.invite(scene.store, scene.clock, person.id, actor="test")
    scene.clock.advance(72 * 3600 + 1)
    assert signing_in.find_invited(scene.rt, third) is None


def test_what_is_wrong_with_an_acceptance_is_said_and_the_link_stays_good(scene: Scene) -> None:
    invited(scene, login="ana")
    person = scene.staff("Benedict")
    token = signing_in.invite(scene.store, scene.clock, person.id, actor="test")
    found = signing_in.find_invited(scene.rt, token)
    assert found is not None

    def accept(login: str, password: str, code: str) -> object:
        return signing_in.accept(scene.rt, token, login=login, password=password, code=code)

    good = pyotp.TOTP(found.totp).at(scene.now)
    assert accept(" ", PASSWORD, good) is Refusal.NO_LOGIN
    assert accept("Ana", PASSWORD, good) is Refusal.TAKEN
    assert accept("ben", PASSWORD, "000000") is Refusal.CODE
    for weak in ("short", "aaaaaaaaaaaaaa", "Benedict is here", "x" * 300):
        with pytest.raises(WeakPassword):
            accept("ben", weak, good)
    assert not isinstance(accept("ben", PASSWORD, good), Refusal)


def test_secrets_are_nowhere_readable(scene: Scene) -> None:
    secret, codes = invited(scene)
    token = inside_again(scene)
    names = ("credential", "recovery_code", "invitation", "session", "sign_in_try")
    with scene.store.engine.connect() as connection:
        stored = "\n".join(
            str(row)
            for name in names
            for row in connection.exec_driver_sql(f"SELECT * FROM {name}")  # noqa: S608
        )
    for word in (secret, codes[0], token, PASSWORD, HERE, "'ana'"):
        assert word not in stored
    assert "argon2id" in stored


def test_old_rows_go(scene: Scene) -> None:
    inside(scene)
    enter(scene, password="wrong")
    scene.clock.advance(15 * 3600)
    signing_in.forget_old(scene.rt)
    assert scene.rows(tables.session) == scene.rows(tables.sign_in_try) == []


def test_an_authenticator_can_read_the_address(quick: Scene) -> None:
    secret = passwords.new_secret()
    address = passwords.address_of(secret, login="ana", org="Harbor")
    assert urlsplit(address).scheme == "otpauth"
    assert pyotp.parse_uri(address).secret == secret
