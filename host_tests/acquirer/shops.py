"""What stories about the acquirer are told with: a clock, a host in a thread, a shop.

May import: tools.acquirer, the interop client.
"""

import asyncio
import threading

from host_tests.interop.client import Client
from tools import acquirer

NOON = 1_795_492_800  # 2026-11-24 12:00 in China


class Clock:
    """Unix time that stands still until it is moved."""

    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return self.now

    def next_code(self):
        """Move to a step whose code was surely not used."""
        self.now += 30


class Host:
    """An Acquirer in a thread. `on_event` may be set by a story."""

    def __init__(self, home, clock, limits=None, on_event=None):
        self.home = home
        self.clock = clock
        self.acquirer = acquirer.Acquirer(home, on_event=on_event, clock=clock, limits=limits)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = self._run(self.acquirer.start())

    def _run(self, deed):
        return asyncio.run_coroutine_threadsafe(deed, self._loop).result(20)

    def stop(self):
        self._run(self.acquirer.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class Shop:
    """A merchant with one terminal, and its client."""

    def __init__(self, host, terminal, merchant, folder, **options):
        self.host = host
        self.home = host.home
        self.terminal = terminal
        self.merchant = merchant
        self.bundle = acquirer.enroll(host.home, terminal, merchant, folder, **options)
        self.client = self.again()

    def again(self):
        """Another client of the same terminal, with a line of its own."""
        return Client(self.bundle, self.host.port, clock=self.host.clock)

    def rows(self, table):
        """This terminal's rows of one table of the books."""
        books = acquirer.read_books(self.home)
        return [row for row in books[table] if row.get("terminal") == self.terminal]

    @property
    def state(self):
        return self.rows("terminals")[0]
