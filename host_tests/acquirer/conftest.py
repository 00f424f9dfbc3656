"""A shop at an acquirer over real TLS: what every story here begins with.

One server (in a thread with its own loop) serves the whole session; each test enrols a merchant
and a terminal of its own. Time is the `clock`'s: it only moves when a story moves it.
"""

import itertools

import pytest

from host_tests.acquirer.shops import Clock, Host, Shop
from tools import acquirer


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def session_host(tmp_path_factory):
    home = tmp_path_factory.mktemp("acquirer")
    acquirer.init(home)
    host = Host(home, Clock())
    yield host
    host.stop()


@pytest.fixture
def host(session_host, clock):
    """The session's server, at this test's time and without its listener afterwards."""
    session_host.clock.now = clock.now
    session_host.acquirer.on_event = None
    yield session_host
    session_host.acquirer.on_event = None


@pytest.fixture
def open_shop(host, tmp_path):
    """A function that opens another shop: open_shop(review=True, account=…).

    Its owner is not asked to confirm changes, unless the story is about that.
    """
    shops = []

    def open_one(**options):
        number = next(_numbers)
        terminal, merchant = f"T{number:07d}", f"M{number:014d}"
        options.setdefault("owner_confirms", False)
        shops.append(Shop(host, terminal, merchant, tmp_path / terminal, **options))
        return shops[-1]

    yield open_one
    for shop in shops:
        shop.client.close()


_numbers = itertools.count(1)


@pytest.fixture
def shop(open_shop):
    """A shop with nothing bound; changes are accepted at once."""
    return open_shop()
