"""A terminal and an acquirer's desk that are surface only, to test the page without either."""

from types import SimpleNamespace

from tools.simulator.models.link import Link
from tools.simulator.models.wifi import Network, Wifi
from tools.simulator.terminal import Console, Signal

IDENTITY = {
    "terminal": "10000001",
    "merchant": "898310054110001",
    "serial": "RB-00000001",
    "totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
}
SLIP = [("account", "6222021234567890")]


class FakeTerminal:
    """Notes what is done to it in `deeds`; `show(lines, pixels)` changes its screen."""

    def __init__(self):
        self.deeds = []
        self.on = False
        self.changed = Signal()
        self.console = Console()
        self.panel = SimpleNamespace(pixels=bytes(1024), on=True, contrast=255)
        self.keypad = SimpleNamespace(
            down=lambda key: self.deeds.append(("down", key)),
            up=lambda key: self.deeds.append(("up", key)),
            matrix=SimpleNamespace(settled=lambda key: True, tap=self._tap),
        )
        self.reader = SimpleNamespace(swipe=lambda data: self.deeds.append(("swipe", data)))
        self.wifi = Wifi([Network("shop", "secret words")])
        self.link = Link("127.0.0.1", 0)
        self.taps = []
        self._lines = []

    def _tap(self, key):
        self.taps.append(key)
        self.deeds.append(("down", key))

    async def power_on(self):
        self.on = True
        self.deeds.append(("power", True))
        self.changed.emit()

    async def power_off(self):
        self.on = False
        self.deeds.append(("power", False))
        self.changed.emit()

    def show(self, lines, pixels):
        self._lines = lines
        self.panel.pixels = pixels
        self.changed.emit()

    def screen(self):
        return self._lines


class FakeDesk:
    """Books with one application under review, until somebody decides it."""

    def __init__(self):
        self.decided = []
        self.application = {
            "application": "SB20260921000001", "action": "account", "status": "review",
            "response_code": "09", "message": None, "number": "622202****7890",
            "created_at": 1_790_000_000, "operator": "01", "supervisor": "00",
            "stage": "people", "due": None, "holder": "福州市鼓楼区示例商行", "bank": "示例银行",
            "before": {"number": "622848****4321"},
        }  # fmt: skip
        self.messages = []

    def version(self):
        return len(self.decided)

    def snapshot(self):
        binding = {
            "slot": 1, "holder": "福州市鼓楼区示例商行", "number": "622848****4321",
            "bank": "示例银行", "cnaps": "313651027012", "type": "corporate",
            "since": 1_780_000_000, "until": None,
        }  # fmt: skip
        return {
            "bindings": [binding],
            "history": [],
            "applications": [self.application],
            "messages": self.messages,
            "records": [],
            "terminals": [{"counter": 3}],
        }

    def ask_owner(self):
        """Have the application wait for its owner, who is told so."""
        self.application.update(stage="owner", due=1_790_001_800)
        self.messages.append({
            "application": self.application["application"], "contact": "13800138000",
            "event": "owner", "due": 1_790_001_800, "at": 1_790_000_000,
        })  # fmt: skip

    def answer_as_owner(self, application, confirms):
        self.decide(application, confirms, "机主")

    def decide(self, application, accept, reason):
        if application != self.application["application"] or self.decided:
            raise ValueError("no such application under review")
        self.decided.append((accept, reason))
        self.application.update(status="active" if accept else "rejected", message=reason)
