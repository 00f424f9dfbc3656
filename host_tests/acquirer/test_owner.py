"""What the owner sees is what becomes true: confirmation, hold, and who is told of what."""

import subprocess
import sys
import threading

import pytest

from host_tests.acquirer.shops import NOON
from host_tests.conftest import ROOT
from host_tests.interop.client import account, card, remove
from tools import acquirer

OLD = "6222021234567890128"
NEW = "0000888800001234"
DAY_S = 86400
HALF_AN_HOUR = 30 * 60
STATUS, REASON, EFFECTIVE, TOKEN, ASK_AGAIN, KIND = 0xDF40, 0xDF41, 0xDF42, 0xDF44, 0xDF4A, 0xDF4B
OWNER, CALL = b"\x04", b"\x05"


@pytest.fixture
def shop(open_shop):
    """A shop with an account, whose owner confirms changes."""
    return open_shop(account=OLD, owner_confirms=True, contact="13912345678")


def bound(shop, slot=1):
    """The token of a slot's binding, or None."""
    tokens = [row["token"] for row in shop.rows("bindings") if row["slot"] == slot]
    return bytes.fromhex(tokens[0]) if tokens else None


def ask(shop, number=NEW, slot=1, make=account):
    """Ask for a change that is right in everything. Returns (proposal, answer)."""
    shop.host.clock.next_code()
    proposal = make(shop.client, number, slot=slot)
    return proposal, shop.client.change(proposal, replaced=bound(shop, slot))


def answer(shop, confirms):
    return acquirer.answer_as_owner(
        shop.home, confirms, terminal=shop.terminal, at=shop.host.clock.now
    )


def told(shop):
    """What the owner has been told, in its order."""
    return [row["event"] for row in shop.rows("messages")]


def test_a_change_waits_for_the_owner_and_is_then_true(shop):
    before = bound(shop)
    proposal, waiting = ask(shop)
    assert waiting.verdict == "09/02"
    assert waiting.reason == "0000 等待机主确认"
    assert 3 <= int.from_bytes(waiting.tags[ASK_AGAIN], "big") <= 10
    assert len(waiting.tags[ASK_AGAIN]) == 2
    assert not {EFFECTIVE, TOKEN, KIND} & set(waiting.tags)
    assert bound(shop) == before
    assert shop.client.inquire(proposal.uuid).tags == waiting.tags
    shop.host.clock.now += 600
    answer(shop, True)
    decided = shop.client.inquire(proposal.uuid)
    assert decided.verdict == "00/01"
    assert decided.fields[37] == waiting.fields[37]
    assert decided.tags[TOKEN] == shop.client.token(proposal) == bound(shop)
    assert int.from_bytes(decided.tags[EFFECTIVE], "big") == shop.host.clock.now
    assert not {ASK_AGAIN, KIND, REASON} & set(decided.tags)
    assert told(shop) == ["owner", "active"]


def test_a_decision_of_the_owner_is_announced_at_the_next_sync(shop):
    ask(shop)
    assert not shop.client.network(bound={1: bound(shop)}).tags[0xDF45][0] & 8
    answer(shop, False)
    assert shop.client.network(bound={1: bound(shop)}).tags[0xDF45][0] & 8


def test_what_the_owner_refuses_changes_nothing(shop):
    before = bound(shop)
    proposal, _ = ask(shop)
    answer(shop, False)
    reply = shop.client.change(proposal, repeat=True)
    assert reply.verdict == "59/03"
    assert reply.tags[KIND] == OWNER
    assert reply.reason.startswith("0000 ")
    assert bound(shop) == before
    assert told(shop) == ["owner", "rejected"]
    assert ask(shop)[1].verdict == "09/02"  # started again, it is another request


def test_what_is_not_confirmed_within_half_an_hour_of_its_receipt_has_ended(shop):
    proposal, _ = ask(shop)
    received = shop.host.clock.now
    shop.host.clock.now = received + HALF_AN_HOUR - 1
    assert shop.client.change(proposal, repeat=True).verdict == "09/02"  # begins nothing anew
    shop.host.clock.now = received + HALF_AN_HOUR
    reply = shop.client.inquire(proposal.uuid)
    assert reply.verdict == "59/03"
    assert reply.tags[KIND] == OWNER
    assert told(shop) == ["owner", "rejected"]
    assert shop.rows("messages")[-1]["at"] == received + HALF_AN_HOUR


def test_a_change_that_has_ended_by_itself_is_announced_at_once(shop):
    ask(shop)
    ended = shop.host.clock.now + HALF_AN_HOUR
    shop.host.clock.now = ended + 500
    assert shop.client.network(bound={1: bound(shop)}).tags[0xDF45] == b"\x0c"
    assert shop.rows("applications")[0]["settled_at"] == ended  # however late this is found


def test_time_ends_it_also_where_no_terminal_asks(shop):
    ask(shop)
    shop.host.clock.now += HALF_AN_HOUR
    until_settled(shop, "rejected")


def until_settled(shop, status):
    """Wait for the server to look at its clock, which it does every second."""
    done = threading.Event()
    for _ in range(100):
        if shop.rows("applications")[-1]["status"] == status:
            return
        done.wait(0.05)
    raise AssertionError(shop.rows("applications")[-1])


def test_a_late_confirmation_is_none(shop):
    ask(shop)
    shop.host.clock.now += HALF_AN_HOUR
    for confirms in (True, False):
        with pytest.raises(acquirer.OfficeError, match="no change of terminal"):
            answer(shop, confirms)
    (application,) = shop.rows("applications")
    with pytest.raises(acquirer.OfficeError, match=r"settled already: refused \(59\)"):
        acquirer.answer_as_owner(shop.home, True, application["application"], at=NOON + DAY_S)
    assert len(told(shop)) == 2


def test_the_owner_confirms_once(shop):
    ask(shop)
    (application,) = shop.rows("applications")
    answer(shop, True)
    with pytest.raises(acquirer.OfficeError, match="settled already: accepted"):
        acquirer.answer_as_owner(shop.home, False, application["application"], at=NOON)
    assert len(shop.rows("history")) == 1


def test_another_change_waits_until_the_owner_has_answered(shop):
    _, waiting = ask(shop)
    assert waiting.verdict == "09/02"
    _, reply = ask(shop, slot=2)
    assert reply.verdict == "22/03"
    assert reply.tags[KIND] == b"\x03"
    until = int.from_bytes(reply.tags[EFFECTIVE], "big")
    assert until == shop.rows("applications")[0]["created_at"] + HALF_AN_HOUR
    answer(shop, True)
    assert ask(shop, slot=2)[1].verdict == "09/02"


def test_a_withdrawal_needs_no_owner(shop):
    proposal, _ = ask(shop)
    reply = shop.client.withdraw(proposal.uuid)
    assert reply.verdict == "59/03"
    assert KIND not in reply.tags
    with pytest.raises(acquirer.OfficeError, match="no change"):
        answer(shop, True)
    assert told(shop) == ["owner", "rejected"]


def test_a_binding_that_changed_meanwhile_is_not_confirmed_over(shop):
    proposal, _ = ask(shop)
    token = acquirer.bind(shop.home, shop.terminal, "99998888777766665")
    assert answer(shop, True)["code"] == "22"
    assert shop.client.inquire(proposal.uuid).verdict == "22/03"
    assert bound(shop).hex().upper() == token


def test_what_does_not_pass_is_refused_at_once_and_told_all_the_same(shop):
    shop.host.clock.next_code()
    wrong = account(shop.client, NEW, code="000000")
    assert shop.client.change(wrong, replaced=bound(shop)).verdict == "55/03"
    assert shop.client.change(account(shop.client), replaced=None).verdict == "22/03"
    assert told(shop) == ["rejected", "rejected"]
    assert {row["contact"] for row in shop.rows("messages")} == {"13912345678"}


def test_the_contact_before_the_change_is_the_one_told(shop):
    ask(shop)
    acquirer.set_policy(shop.home, shop.merchant, contact="13700000000")
    answer(shop, True)
    assert {row["contact"] for row in shop.rows("messages")} == {"13912345678"}
    ask(shop, slot=2)
    assert shop.rows("messages")[-1]["contact"] == "13700000000"


def test_the_owner_is_shown_the_old_and_the_new_number_masked(shop):
    ask(shop)
    (application,) = shop.rows("applications")
    assert application["number"] == "000088******1234"
    assert application["before"]["number"] == "622202*********0128"
    assert application["holder"] == shop.client.known["names"][0]


def test_where_the_owner_is_not_asked_a_change_is_true_at_once_and_told(shop):
    acquirer.set_policy(shop.home, shop.merchant, owner_confirms=False)
    _, reply = ask(shop)
    assert reply.verdict == "00/01"
    assert told(shop) == ["active"]


def test_the_owner_comes_before_the_acquirers_people(shop):
    acquirer.set_policy(shop.home, shop.merchant, review=True)
    proposal, _ = ask(shop)
    number = shop.rows("applications")[0]["application"]
    with pytest.raises(acquirer.OfficeError, match="waits for its owner"):
        acquirer.decide(shop.home, True, number, at=shop.host.clock.now)
    with pytest.raises(acquirer.OfficeError, match="no application waits"):
        acquirer.decide(shop.home, True, at=shop.host.clock.now)
    assert answer(shop, True)["stage"] == "people"
    waiting = shop.client.inquire(proposal.uuid)
    assert waiting.verdict == "09/02"
    assert not {ASK_AGAIN, EFFECTIVE} & set(waiting.tags)
    shop.host.clock.now += DAY_S  # people may take their time
    with pytest.raises(acquirer.OfficeError, match="does not wait for its owner any more"):
        answer(shop, True)
    acquirer.decide(shop.home, True, number, at=shop.host.clock.now)
    assert shop.client.inquire(proposal.uuid).verdict == "00/01"
    assert told(shop) == ["owner", "people", "active"]


def test_people_may_reject_what_waits_for_the_owner(shop):
    proposal, _ = ask(shop)
    number = shop.rows("applications")[0]["application"]
    acquirer.decide(shop.home, False, number, at=shop.host.clock.now)
    reply = shop.client.inquire(proposal.uuid)
    assert reply.verdict == "63/03"
    assert reply.tags[KIND] == CALL


# The hold


def test_a_confirmed_change_is_held_and_then_true(shop):
    acquirer.set_policy(shop.home, shop.merchant, hold_days=3)
    before = bound(shop)
    proposal, waiting = ask(shop)
    assert EFFECTIVE not in waiting.tags  # the owner first
    shop.host.clock.now += 60
    confirmed = shop.host.clock.now
    answer(shop, True)
    held = shop.client.inquire(proposal.uuid)
    assert held.verdict == "09/02"
    assert ASK_AGAIN not in held.tags
    assert int.from_bytes(held.tags[EFFECTIVE], "big") == confirmed + 3 * DAY_S
    shop.host.clock.now = confirmed + 3 * DAY_S - 1
    assert shop.client.inquire(proposal.uuid).tags == held.tags
    assert bound(shop) == before
    shop.host.clock.now += 7
    reply = shop.client.inquire(proposal.uuid)
    assert reply.verdict == "00/01"
    assert reply.tags[EFFECTIVE] == held.tags[EFFECTIVE]
    assert reply.tags[TOKEN] == bound(shop) == shop.client.token(proposal)
    assert told(shop) == ["owner", "held", "active"]


def test_what_is_held_can_be_stopped_by_the_owner_and_not_hurried_by_anybody(shop):
    acquirer.set_policy(shop.home, shop.merchant, hold_days=1)
    before = bound(shop)
    proposal, _ = ask(shop)
    answer(shop, True)
    number = shop.rows("applications")[0]["application"]
    with pytest.raises(acquirer.OfficeError, match="is held until .* can only be rejected"):
        acquirer.decide(shop.home, True, number, at=shop.host.clock.now)
    with pytest.raises(acquirer.OfficeError, match="does not wait for its owner"):
        answer(shop, True)
    answer(shop, False)
    assert shop.client.inquire(proposal.uuid).verdict == "59/03"
    shop.host.clock.now += 2 * DAY_S
    assert shop.client.inquire(proposal.uuid).verdict == "59/03"
    assert bound(shop) == before


def test_a_hold_that_is_over_cannot_be_stopped(shop):
    acquirer.set_policy(shop.home, shop.merchant, hold_days=1, owner_confirms=False)
    proposal, held = ask(shop)
    assert held.verdict == "09/02"
    shop.host.clock.now += DAY_S
    with pytest.raises(acquirer.OfficeError, match="no change"):
        answer(shop, False)
    assert shop.client.inquire(proposal.uuid).verdict == "00/01"


def test_a_binding_that_changed_during_the_hold_stands(shop):
    acquirer.set_policy(shop.home, shop.merchant, hold_days=1, owner_confirms=False)
    proposal, _ = ask(shop)
    token = acquirer.bind(shop.home, shop.terminal, "99998888777766665")
    shop.host.clock.now += DAY_S
    reply = shop.client.inquire(proposal.uuid)
    assert reply.verdict == "22/03"
    assert bound(shop).hex().upper() == token


@pytest.mark.parametrize(("stood", "verdict"), [(3 * DAY_S - 1, "09/02"), (3 * DAY_S, "00/01")])
@pytest.mark.parametrize("number", [NEW, "6205500000000000004"])
def test_a_reserve_that_has_stood_so_long_needs_no_second_hold(shop, stood, verdict, number):
    acquirer.set_policy(shop.home, shop.merchant, hold_days=3, owner_confirms=False)
    make = card if number.startswith("62055") else account
    _, reply = ask(shop, number, slot=3, make=make)
    assert reply.verdict == "00/01"  # a reserve is paid nothing: it is not held
    stood_since = shop.host.clock.now
    shop.host.clock.now = stood_since + stood - 30
    _, reply = ask(shop, number, make=make)
    assert reply.verdict == verdict


def test_a_reserve_that_is_another_account_shortens_nothing(shop):
    acquirer.set_policy(shop.home, shop.merchant, hold_days=3, owner_confirms=False)
    ask(shop, NEW, slot=3)
    shop.host.clock.now += 4 * DAY_S
    assert ask(shop, "00008888000012345")[1].verdict == "09/02"


# Reserves


@pytest.mark.parametrize("slot", [2, 3, 4])
def test_a_reserve_is_removed_when_the_owner_has_confirmed(shop, slot):
    ask(shop, slot=slot)
    answer(shop, True)
    shop.host.clock.next_code()
    proposal = remove(shop.client, slot)
    assert proposal.truncated() == "*"
    waiting = shop.client.change(proposal, replaced=bound(shop, slot))
    assert waiting.verdict == "09/02"
    assert bound(shop, slot) is not None
    answer(shop, True)
    reply = shop.client.inquire(proposal.uuid)
    assert reply.verdict == "00/01"
    assert reply.tags[TOKEN] == bytes(8)
    assert {EFFECTIVE, 0xDF43} <= set(reply.tags)
    assert bound(shop, slot) is None
    assert bound(shop) is not None
    (gone,) = shop.rows("history")
    assert gone["slot"] == slot
    assert shop.rows("applications")[-1]["before"]["number"] == "000088******1234"
    assert shop.client.change(proposal, repeat=True).tags == reply.tags


def test_an_empty_slot_has_nothing_to_remove(shop):
    reply = shop.client.change(remove(shop.client, 2))
    assert reply.verdict == "14/03"
    assert shop.client.change(remove(shop.client, 2, code="000000")).verdict == "14/03"


def test_what_is_paid_is_no_reserve(shop):
    reply = shop.client.change(remove(shop.client, 1), replaced=bound(shop))
    assert reply.verdict == "30"
    assert reply.reason.startswith("DF12 ")


def test_a_removal_is_judged_like_any_change(shop):
    ask(shop, slot=2)
    answer(shop, True)
    shop.host.clock.next_code()
    token = bound(shop, 2)
    assert shop.client.change(remove(shop.client, 2), replaced=None).verdict == "22/03"
    wrong = remove(shop.client, 2).bent(df15=b"07")
    assert shop.client.change(wrong, replaced=token).verdict == "58/03"
    wrong = remove(shop.client, 2, code="000000")
    assert shop.client.change(wrong, replaced=token).verdict == "55/03"
    assert bound(shop, 2) == token


@pytest.mark.parametrize(
    "bend",
    [
        {"df3a": None},
        {"df30": b"name"},
        {"df31": b"6222021234567890128"},
        {"df33": b"bank"},
        {"df35": b"91350100M000100Y43"},
        {"df38": b"123"},
        {"df39": b"6205500000000000004=3012"},
    ],
)
def test_a_removal_brings_the_code_and_nothing_else(shop, bend):
    reply = shop.client.change(remove(shop.client, 2).bent(**bend))
    assert reply.verdict == "30"
    assert reply.reason.startswith(next(iter(bend)).upper() + " ")


def test_a_removal_needs_no_cvv2(shop):
    acquirer.set_policy(shop.home, shop.merchant, cvv2=True, owner_confirms=False)
    ask(shop, slot=2)
    shop.host.clock.next_code()
    reply = shop.client.change(remove(shop.client, 2), replaced=bound(shop, 2))
    assert reply.verdict == "00/01"


# Kinds of refusal


@pytest.mark.parametrize(
    ("bend", "verdict", "kind"),
    [
        ({"df30": "李四".encode()}, "63/03", 1),
        ({"df35": b"91110000802100433B"}, "63/03", 1),
        ({"df36": b"6222021234567890123"}, "14/03", 1),
        ({"df37": b"2610"}, "54/03", 2),
        ({"df11": b"\x03"}, "63/03", 2),
        ({"df15": b"01"}, "58/03", 5),
        ({"df3a": b"000000"}, "55/03", 1),
    ],
)
def test_a_refusal_says_what_it_asks_for(shop, bend, verdict, kind):
    proposal = card(shop.client, slot=2).bent(**bend)
    reply = shop.client.change(proposal)
    assert reply.verdict == verdict
    assert reply.tags[KIND] == bytes([kind])
    assert shop.client.inquire(proposal.uuid).tags == reply.tags
    assert kind != 1 or int(reply.reason[:4], 16)  # the field to be mended is named


def test_the_same_again_wants_another(shop):
    acquirer.set_policy(shop.home, shop.merchant, owner_confirms=False)
    ask(shop)
    _, reply = ask(shop)
    assert reply.verdict == "14/03"
    assert reply.tags[KIND] == b"\x02"


def test_the_daily_limit_says_until_when(shop):
    for _ in range(5):
        shop.client.change(account(shop.client, code="000000", slot=2))
    reply = shop.client.change(account(shop.client, slot=2))
    assert reply.verdict == "61/03"
    assert reply.tags[KIND] == b"\x03"
    midnight = int.from_bytes(reply.tags[EFFECTIVE], "big")
    assert midnight == NOON + 12 * 3600
    shop.host.clock.now = midnight
    assert shop.client.change(account(shop.client, slot=2)).verdict == "09/02"


def test_a_locked_terminal_is_told_to_call(shop):
    for _ in range(2):
        for _ in range(5):
            shop.client.change(account(shop.client, code="000000", slot=2))
        shop.host.clock.now += DAY_S
    reply = shop.client.change(account(shop.client, slot=2))
    assert reply.verdict == "58/03"
    assert reply.tags[KIND] == CALL


# Whoever is first, and power cuts


_CUT = """
import os, sys
from tools.acquirer import office, rules
from tools.acquirer.books import Books
kept = getattr(Books, sys.argv[4])
def cut(*given, **named):
    if sys.argv[5] == "after":
        kept(*given, **named)
    os._exit(9)
setattr(Books, sys.argv[4], cut)
office.answer_as_owner(sys.argv[1], True, terminal=sys.argv[2], at=int(sys.argv[3]))
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("where", ["bind", "_settle", "_tell_owner"])
def test_a_confirmation_that_is_cut_is_none_and_may_be_given_again(shop, where, when):
    proposal, waiting = ask(shop)
    before = bound(shop)
    arguments = [shop.home, shop.terminal, shop.host.clock.now, where, when]
    done = subprocess.run([sys.executable, "-c", _CUT, *map(str, arguments)], cwd=ROOT)
    assert done.returncode == 9
    assert bound(shop) == before
    assert told(shop) == ["owner"]
    assert shop.client.inquire(proposal.uuid).tags == waiting.tags
    answer(shop, True)
    assert shop.client.inquire(proposal.uuid).verdict == "00/01"
    assert told(shop) == ["owner", "active"]


def test_a_confirmation_that_waited_for_the_books_until_it_was_late_is_none(shop):
    proposal, _ = ask(shop)
    in_time = shop.host.clock.now + HALF_AN_HOUR - 1
    shop.host.clock.now += HALF_AN_HOUR
    assert shop.client.inquire(proposal.uuid).verdict == "59/03"
    with pytest.raises(acquirer.OfficeError, match="no change"):
        acquirer.answer_as_owner(shop.home, True, terminal=shop.terminal, at=in_time)
    assert shop.client.inquire(proposal.uuid).verdict == "59/03"


def test_a_confirmation_at_the_last_moment_stands(shop):
    proposal, _ = ask(shop)
    shop.host.clock.now += HALF_AN_HOUR - 1
    answer(shop, True)
    shop.host.clock.now += 1
    assert shop.client.inquire(proposal.uuid).verdict == "00/01"


@pytest.mark.parametrize("round_", range(4))
def test_a_confirmation_and_a_withdrawal_at_once_agree_on_one_end(shop, round_):
    proposal, _ = ask(shop)
    other, said = shop.again(), []
    other.counter = shop.client.counter
    barrier = threading.Barrier(2)

    def withdraw():
        barrier.wait()
        said.append(other.withdraw(proposal.uuid).verdict)

    thread = threading.Thread(target=withdraw)
    thread.start()
    barrier.wait()
    try:
        answer(shop, True)
        confirmed = True
    except acquirer.OfficeError:
        confirmed = False
    thread.join(20)
    other.close()
    assert said == ["00/01" if confirmed else "59/03"]
    shop.client.counter = other.counter
    assert shop.client.inquire(proposal.uuid).verdict == said[0]
    assert (bound(shop) == shop.client.token(proposal)) == confirmed
    assert told(shop) == ["owner", "active" if confirmed else "rejected"]
