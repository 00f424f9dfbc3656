"""A board on the desk with everything soldered on: the simulator's parts behind `board.py`.

Flash, NVS, panel, keypad, card reader and Wi-Fi are the simulator's models, reached through its
shims; sockets and TLS are real. What always holds: littlefs, journal partition and NVS outlive a
power cut and nothing else does.
"""

import socket
import threading
from pathlib import Path

from host_tests.device.board import Board
from tools.simulator import interpreter
from tools.simulator.board import Board as Parts
from tools.simulator.models.wifi import Network

AIR = (Network("Shop", "shop-on-the-corner"), Network("Cafe-Free", "", security=0, rssi=-71))

_HEAP = 192 * 1024  # what the stock image leaves to Python, and what the shims take of it
_NAME = "esp32-devkitc"


class FittedBoard(Board):
    """A `Board` whose file system, journal and NVS are in the folder `home`.

    `parts` is the simulator's board, to break and to look at. chip_heap: the chip's own heap, as
    "total free largest least" of each region, with `;` between.
    """

    def __init__(self, home: Path, name: str = _NAME, networks=AIR, chip_heap="", **facts):
        self._chip_heap = chip_heap
        self.parts = Parts(home, name, networks)
        self.parts.power_up()
        self.parts.on_reset = self._on_reset
        self._wire = None
        self._serving = None
        super().__init__(home / "disk", parts=True, **facts)

    def __exit__(self, *_):
        super().__exit__()
        self.parts.close()

    def _on_reset(self, cause):
        """On the bus thread: nothing of the firmware may run after this."""
        process = self._process
        self._events.put(("reset", (process, cause)))
        process.kill()

    def happened(self, kind, what):
        """Deal with a reset of the chip, which the parts have told."""
        if kind != "reset" or what[0] is not self._process:
            return
        cause = what[1]
        if cause in ("reset", "watchdog"):
            self._told("R")
        elif cause == "soft reset":
            self._told("S")
        else:  # the supply failed: it is there again for the next client
            self._power_off()
            if self._client:
                self._client.shutdown(socket.SHUT_RDWR)
                self._client = None

    def start(self, mode):
        """Start the chip's side on the simulator's shims; return its process."""
        self._wire, theirs = socket.socketpair()
        shims = interpreter.shims()
        with theirs:
            process = self.interpret(
                mode,
                _HEAP,
                {
                    "MICROPYPATH": f"{shims}:.frozen",
                    "TZ": "UTC",
                    "REBIND_BUS": str(theirs.fileno()),
                    "REBIND_FLASH": self.parts.images,
                    "REBIND_RESET_CAUSE": str(self.cause),
                    "REBIND_UNIQUE_ID": "a4cf12345678",
                    "REBIND_CHIP_HEAP": self._chip_heap,
                },
                pass_fds=[theirs.fileno()],
            )
        self._serving = threading.Thread(
            target=self.parts.serve, args=(self._wire,), name="bus", daemon=True
        )
        self._serving.start()
        return process

    def _power_off(self):
        super()._power_off()
        if self._wire:
            self._serving.join()  # the process has ended, and its end of the bus with it
            self._wire.close()
            self._wire = None
            self.parts.reset()
