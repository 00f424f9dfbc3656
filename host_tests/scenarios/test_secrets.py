"""What was typed and is of no more use is nowhere in the terminal's memory, seen from outside."""

import asyncio

import pytest

from host_tests.scenarios.test_scenarios import device  # noqa: F401 (a fixture)
from tools.simulator import scenario, workplace

CHOSEN = "73914826"
ACCOUNT = "9182736450918273"
CVV2 = "8394"


def in_memory(terminal, digits):
    """Return how often `digits` stand, as ASCII, in what the interpreter may write to."""
    found = 0
    with (
        open(f"/proc/{terminal.pid}/maps", encoding="ascii") as maps,
        open(f"/proc/{terminal.pid}/mem", "rb", buffering=0) as memory,
    ):
        for line in maps:
            area, rights, *_ = line.split()
            start, end = (int(address, 16) for address in area.split("-"))
            if rights.startswith("rw") and "[vvar" not in line:
                memory.seek(start)
                found += memory.read(end - start).count(digits.encode())
    return found


@pytest.fixture
def play(device, tmp_path, record_property):  # noqa: F811
    """Give `play(story)`: `await story(do, terminal)`; `do` plays the lines of a scenario."""
    record_property("interpreter", "micropython")
    identity = workplace.prepare(tmp_path, device)

    async def run(story):
        async with workplace.at_work(tmp_path, identity) as stage:

            async def do(text):
                path = tmp_path / "story.txt"
                path.write_text(text, encoding="utf-8")
                await stage.play(scenario.load(path))

            await story(do, stage.terminal)

    return lambda story: asyncio.run(run(story))


LOG_IN = f"""
power on
see @idle.ready within 30
press D
see @log_in.number
press D
see @password.of
password 01
press D
pass @password.first
see @password.new
type {CHOSEN}
press D
see @password.again
type {CHOSEN}
"""

TO_ACCOUNT = """
choose @menu.settings
choose @menu.accounts
choose @change.title
pass 请备好营业执照
pass @notice.title within 20
choose @reason.4
choose 上海示例商贸有限公司
choose @kind.1
see @field.account
"""


def test_a_password_is_forgotten_as_soon_as_it_is_checked(play):
    async def story(do, terminal):
        await do(LOG_IN)
        assert in_memory(
            terminal, CHOSEN
        )  # it stands in the field: the search finds what is there
        await do("press D\npass @password.changed within 20\nsee @menu.title\n")
        assert not in_memory(terminal, CHOSEN)
        await do("choose @menu.log_out\nsee @idle.begin\npress D\nsee @log_in.number\npress D\n")
        await do(f"see @password.of\ntype {CHOSEN}\npress D\nsee @menu.title within 20\n")
        assert not in_memory(terminal, CHOSEN)

    play(story)


def test_numbers_that_were_not_used_are_forgotten_with_the_form(play):
    async def story(do, terminal):
        await do(LOG_IN + "press D\npass @password.changed within 20\nsee @menu.title\n")
        await do(TO_ACCOUNT + f"type {ACCOUNT}\nsee 1827\npress D\nsee @field.account_again\n")
        await do(f"type {ACCOUNT}\n")
        assert in_memory(terminal, ACCOUNT)
        await do("press D\nsee @field.cnaps\npress C\nsee @field.account\npress * long\n")
        await do("press C C C C\nsee @change.title\n")
        for at in range(len(ACCOUNT) - 7):
            assert not in_memory(terminal, ACCOUNT[at : at + 8])
        await do("choose @change.title\npass 请备好营业执照\npass @notice.title within 20\n")
        await do("choose @reason.4\nchoose 上海示例商贸有限公司\nchoose @kind.1\n")
        await do(f"see @field.account\ntype {ACCOUNT}\npress D\nsee @field.account_again\n")
        await do(f"type {ACCOUNT}\npress D\nsee @field.cnaps\ntype 313651027012\npress D\n")
        await do("see @reason.4\npress B B B\nsee '9182 7364'\n")
        assert in_memory(terminal, ACCOUNT[:4] + " " + ACCOUNT[4:8])
        await do("press C\nsee @change.abandon\npress D\nsee @change.title\n")
        for at in range(len(ACCOUNT) - 7):
            part = ACCOUNT[at : at + 8]
            assert not in_memory(terminal, part)
            assert not in_memory(terminal, part[:4] + " " + part[4:])

    play(story)


UNTIL_CVV2 = """
choose @menu.settings
choose @menu.cards
choose @card.title
pass 请备好营业执照
pass @notice.title within 20
choose @reason.1
choose '622202*7890'
see @field.card
swipe credit
see '6200 0000 0000 0005'
press D
choose 上海示例商贸有限公司
choose @ui.submit_row
see @password.of
"""

APPROVED = f"""
type {CHOSEN}
press D
see @merchant.number within 20
type 898310054110001
press D
pass @approve.supervisor
see @password.of
password 00
press D
pass @password.first within 20
see @password.new
type 58203917
press D
see @password.again
type 58203917
press D
pass @password.changed within 20
pass @approve.owner
see @approve.cvv2
"""


def test_cvv2_is_forgotten_when_the_request_is_settled_and_when_it_is_given_up(play):
    async def story(do, terminal):
        await do("acquirer cvv2 on\n" + LOG_IN)
        await do("press D\npass @password.changed within 20\nsee @menu.title\n")
        await do(UNTIL_CVV2 + APPROVED)
        assert not in_memory(terminal, CVV2)
        await do(f"type {CVV2}\nsee '****'\n")
        assert in_memory(terminal, CVV2)
        await do("press C\nsee @field.reason\n")  # given up
        assert not in_memory(terminal, CVV2)
        await do(f"choose @ui.submit_row\npass @approve.owner\ntype {CVV2}\n")
        await do("see '****'\npress D\nsee @approve.code\n")
        assert in_memory(terminal, CVV2)
        await do("code\npress D\nsee @told.accepted within 60\n")
        assert not in_memory(terminal, CVV2)

    play(story)
