"""The workbench: what a hand on the page does to the terminal, and what the page gets to see."""

import asyncio
import itertools
import json
import threading

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.web.fake import IDENTITY, SLIP, FakeDesk, FakeTerminal
from tools.simulator import bench as workbench
from tools.simulator.bench import CARDS, Bench, BooksHeld, Fingers, Phone, Refused


class Tab:
    def __init__(self):
        self.texts = []
        self.frames = []

    def text(self, message):
        self.texts.append(json.loads(json.dumps(message)))

    def frame(self, frame):
        self.frames.append(frame)

    def last(self, kind):
        return next((one for one in reversed(self.texts) if one["type"] == kind), None)


async def until(predicate):
    async with asyncio.timeout(5):
        while not predicate():
            await asyncio.sleep(0.005)


def story(test):
    """Run `test(bench, terminal, desk, tab)` on a running bench with one tab."""

    def run():
        async def body():
            terminal, desk, tab = FakeTerminal(), FakeDesk(), Tab()
            bench = Bench(terminal, IDENTITY, SLIP, "127.0.0.1:1", desk)
            running = asyncio.create_task(bench.run())
            bench.join(tab)
            try:
                await test(bench, terminal, desk, tab)
                assert not running.done()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        asyncio.run(body())

    run.__name__ = test.__name__
    return run


@story
async def test_a_new_tab_is_shown_everything(bench, terminal, desk, tab):
    await until(lambda: tab.last("books"))
    late = Tab()
    bench.join(late)
    kinds = {one["type"] for one in late.texts}
    assert {"hello", "state", "code", "books", "screen"} <= kinds
    assert len(late.frames[0]) == 2 + 1024


@story
async def test_keys_arrive_in_order_and_each_is_released(bench, terminal, desk, tab):
    for key in "12*#":
        await bench.ask(tab, {"type": "key", "key": key, "down": True})
        await bench.ask(tab, {"type": "key", "key": key, "down": False})
    await until(lambda: len(terminal.deeds) == 8)
    assert terminal.deeds == [(how, key) for key in "12*#" for how in ("down", "up")]


@story
async def test_a_key_is_held_until_the_terminal_has_seen_it(bench, terminal, desk, tab):
    terminal.on = True
    seen = False
    terminal.keypad.matrix.settled = lambda key: seen
    await bench.ask(tab, {"type": "key", "key": "5", "down": True})
    await bench.ask(tab, {"type": "key", "key": "5", "down": False})
    await until(lambda: terminal.deeds)
    await asyncio.sleep(0.05)
    assert terminal.deeds == [("down", "5")]
    seen = True
    await until(lambda: terminal.deeds[-1] == ("up", "5"))


@story
async def test_a_tab_that_goes_away_lets_go_of_its_keys(bench, terminal, desk, tab):
    other = Tab()
    bench.join(other)
    for one in (tab, other):
        await bench.ask(one, {"type": "key", "key": "7", "down": True})
    bench.leave(tab)
    await asyncio.sleep(0.05)
    assert ("up", "7") not in terminal.deeds
    bench.leave(other)
    await until(lambda: terminal.deeds == [("down", "7"), ("up", "7")])


@story
async def test_power_goes_on_once_and_everybody_hears_of_it(bench, terminal, desk, tab):
    await asyncio.gather(*(bench.ask(tab, {"type": "power", "on": True}) for _ in range(5)))
    await until(lambda: tab.last("state")["on"])
    assert terminal.deeds == [("power", True)]
    assert tab.frames[-1][0] & workbench.POWERED


@story
async def test_a_card_goes_through_only_a_terminal_that_is_on(bench, terminal, desk, tab):
    await bench.ask(tab, {"type": "swipe", "card": "debit"})
    assert tab.last("refused")["why"] == "off"
    terminal.on = True
    await bench.ask(tab, {"type": "swipe", "card": "debit"})
    assert terminal.deeds == [("swipe", CARDS["debit"][2])]


@story
async def test_a_decision_reaches_the_books_once(bench, terminal, desk, tab):
    number = desk.application["application"]
    decision = {"type": "decide", "application": number, "accept": False, "reason": "户名不符"}
    await bench.ask(tab, decision)
    await until(
        lambda: tab.last("books") and tab.last("books")["applications"][0]["status"] == "rejected"
    )
    assert desk.decided == [(False, "户名不符")]
    await bench.ask(tab, decision)
    await until(lambda: tab.last("refused"))
    assert tab.last("refused")["why"] == "decide"


@story
async def test_the_owners_answer_reaches_the_books_once(bench, terminal, desk, tab):
    answer = {"type": "owner", "application": desk.application["application"], "confirms": True}
    await bench.ask(tab, answer)
    await until(
        lambda: tab.last("books") and tab.last("books")["applications"][0]["status"] == "active"
    )
    await bench.ask(tab, answer)
    await until(lambda: tab.last("refused"))
    assert tab.last("refused")["why"] == "decide"


@story
async def test_books_that_somebody_holds_keep_neither_keys_nor_page_waiting(
    bench, terminal, desk, tab
):
    let_go, changed = threading.Event(), desk.application | {"reason": "late"}

    def held(*_):
        if not let_go.wait(5):
            raise BooksHeld
        return {"applications": [changed]}

    desk.version = desk.decide = desk.snapshot = held
    decision = {"type": "decide", "application": "1", "accept": True, "reason": ""}
    await bench.ask(tab, decision)
    await bench.ask(tab, decision)  # one at a time
    assert tab.last("refused")["why"] == "books"
    await bench.ask(tab, {"type": "key", "key": "5", "down": True})
    terminal.show(["你好"], bytes(1024))
    await until(lambda: terminal.deeds == [("down", "5")])
    let_go.set()
    await until(lambda: tab.last("books") and tab.last("books")["applications"] == [changed])


@story
async def test_books_that_stay_held_are_told_and_read_once_they_are_free(
    bench, terminal, desk, tab
):
    await until(lambda: tab.last("books"))
    snapshot, held = desk.snapshot, True

    def version():
        if held:
            raise BooksHeld
        return "new"

    def decide(*_):
        raise BooksHeld

    desk.version, desk.decide = version, decide
    desk.snapshot = lambda: snapshot() | {"late": True}
    decision = {"type": "decide", "application": "1", "accept": True, "reason": ""}
    await bench.ask(tab, decision)
    await until(lambda: tab.last("refused"))
    assert tab.last("refused")["why"] == "books"
    held = False
    await until(lambda: "late" in tab.last("books"))


@story
async def test_a_new_picture_arrives_with_its_text(bench, terminal, desk, tab):
    terminal.on = True
    terminal.show(["变更结算账户", "请核对"], bytes([0xAA]) * 1024)
    await until(lambda: tab.last("screen") and tab.last("screen")["lines"])
    assert tab.frames[-1][2:] == bytes([0xAA]) * 1024
    assert tab.last("screen")["lines"] == ["变更结算账户", "请核对"]


@story
async def test_the_air_and_the_line_obey(bench, terminal, desk, tab):
    await bench.ask(tab, {"type": "wifi", "mode": "off"})
    assert terminal.wifi.networks == []
    await bench.ask(tab, {"type": "wifi", "mode": "open"})
    assert [network.security for network in terminal.wifi.networks] == [0]
    await bench.ask(tab, {"type": "wifi", "mode": "on"})
    assert terminal.wifi.networks[0].password == "secret words"
    await bench.ask(tab, {"type": "link", "mode": "swallow"})
    assert (terminal.link.swallow, terminal.link.refuse) == (True, False)
    await bench.ask(tab, {"type": "link", "mode": "refuse"})
    assert (terminal.link.swallow, terminal.link.refuse) == (False, True)
    await bench.ask(tab, {"type": "link", "mode": "open"})
    assert (terminal.link.swallow, terminal.link.refuse) == (False, False)
    assert tab.last("state")["link"] == "open"


@story
async def test_a_failing_part_is_reported_and_the_bench_goes_on(bench, terminal, desk, tab):
    terminal.on = True

    def broken(data):
        raise OSError("no reader")

    terminal.reader.swipe = broken
    await bench.ask(tab, {"type": "swipe", "card": "debit"})
    assert tab.last("refused")["why"] == "failed"


def test_too_many_keys_are_refused_and_none_stays_down():
    async def body():
        terminal = FakeTerminal()
        fingers = Fingers(terminal)
        fingers.move("slow finger", "D", True)
        with pytest.raises(Refused):
            for number in range(workbench.PRESSES_WAITING):
                fingers.move(number, "0123456789ABC*#"[number % 15], True)
                fingers.move(number, "0123456789ABC*#"[number % 15], False)
        fingers.move("slow finger", "D", False)
        running = asyncio.create_task(fingers.run())
        await until(lambda: len(terminal.deeds) == 2 * workbench.PRESSES_WAITING)
        running.cancel()
        down = set()
        for how, key in terminal.deeds:  # a release behind its press
            assert (key in down) == (how == "up")
            (down.add if how == "down" else down.discard)(key)
        assert not down

    asyncio.run(body())


def test_what_is_typed_faster_than_the_terminal_looks_arrives_whole_and_short():
    typed = "6222021234567890" * 4

    async def body():
        terminal = FakeTerminal()
        terminal.on = True
        looks = itertools.count()
        terminal.keypad.matrix.settled = lambda key: next(looks) % 2
        fingers = Fingers(terminal)
        for key in typed:
            fingers.move("finger", key, True)
            fingers.move("finger", key, False)
        running = asyncio.create_task(fingers.run())
        await until(lambda: len(terminal.deeds) == 2 * len(typed))
        running.cancel()
        assert terminal.deeds == [(how, key) for key in typed for how in ("down", "up")]
        assert "".join(terminal.taps) == typed  # never a long press, however late it is seen

    asyncio.run(body())


def test_the_phone_shows_the_code_of_the_step_and_the_seconds_left():
    phone = Phone(IDENTITY["totp_secret"])
    shown = phone.read(now=1_111_111_109)
    assert shown["code"] == pyotp.TOTP(IDENTITY["totp_secret"]).at(1_111_111_109) == "081804"
    assert shown["left"] == 1


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
_near = st.fixed_dictionaries(
    {"type": st.sampled_from(["key", "power", "swipe", "wifi", "link", "decide", "owner"])},
    optional={name: _json for name in ("key", "down", "on", "card", "mode", "application",
                                       "accept", "reason", "confirms")},
)  # fmt: skip


@given(_json | _near)
def test_nothing_that_a_page_sends_raises(message):
    async def body():
        tab = Tab()
        bench = Bench(FakeTerminal(), IDENTITY, SLIP, "127.0.0.1:1", FakeDesk())
        await bench.ask(tab, message)

    asyncio.run(body())


@pytest.mark.parametrize("turns", range(6))
def test_the_bench_ends_also_in_the_moment_in_which_something_has_changed(turns):
    async def body():
        terminal = FakeTerminal()
        running = asyncio.create_task(
            Bench(terminal, IDENTITY, SLIP, "127.0.0.1:1", FakeDesk()).run()
        )
        await asyncio.sleep(0.1)  # it waits for a change
        terminal.changed.emit()
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running], timeout=2)
        assert running.done()

    asyncio.run(body())
