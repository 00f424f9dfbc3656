"""A board on the desk with everything soldered on: the simulator's parts behind `board.py`.

Flash, NVS, panel, keypad, card reader and Wi-Fi are the simulator's models, reached through its
shims; sockets and TLS are real, and take of the chip's heap what they take there. What always
holds: littlefs, journal partition and NVS outlive a power cut and nothing else does; Wi-Fi, its
network, what it holds of the chip's heap and the watchdog outlive a soft reset.
"""

import socket
import struct
import threading
from pathlib import Path

from host_tests.device import chip
from host_tests.device.board import Board
from tools.simulator import interpreter
from tools.simulator.board import Board as Parts
from tools.simulator.models.wifi import Network

AIR = (Network("Shop", "shop-on-the-corner"), Network("Cafe-Free", "", security=0, rssi=-71))

_HEAP = 320 * 1024  # more than is used: how much of it a chip has is `chip`'s to say
_NAME = "esp32-devkitc"


class FittedParts(Parts):
    """The simulator's parts on a chip with a heap of its own.

    lingers: a network stays up when it is left; only the radio turned off ends it. clings: what a
    network took of the chip's heap stays taken even then. takes: the pieces that it takes.
    no_radio: the text of the RuntimeError that starting the radio ends in.
    """

    lingers = False
    clings = False
    takes = chip.WIFI
    no_radio = ""

    def __init__(self, home, name, networks, memory):
        super().__init__(home, name, networks)
        self.chip = memory
        self._line = []
        self._uarts = {}
        self._network = []
        self.wifi.on_change = self._network_changed
        self._answer.update(
            {
                0x50: self._heap_info,
                0x51: self._heap_needed,
                0x52: self._line_stage,
                0x53: self._radio_fault,
            }
        )

    def reset(self):
        super().reset()
        self._line = []
        self._uarts = {}
        self._network = []
        self.chip.power_up()

    def soft_reset(self):
        """Bring to its start what a soft reset touches."""
        self.gpio.power_up()
        self.port.power_up()
        self.nvs.power_up()
        self._i2c.clear()
        self._buzz(False)
        self._close_line()
        for places in self._uarts.values():
            self._give(places)
        self._uarts = {}
        self.chip.soft_reset()

    @property
    def talked(self):
        """Whether something was sent over the network that is joined."""
        return len(self._network) > len(self.takes) and not self._line

    def _give(self, places):
        for place in places:
            self.chip.give(place)

    def _network_changed(self, up):
        if up and not self._network:
            self._network = self.chip.take_all(self.takes) or []
        elif not up and not self.clings:
            self._give(self._network)
            self._network = []

    def _wifi_disconnect(self, op, a, data):
        return super()._wifi_disconnect(op, a, data) if not self.lingers else b"\0\0"

    def _wifi_connect(self, op, a, data):
        if self.lingers and self.wifi.up:
            return b"\0\0"  # as the chip does, which is still in another network
        return super()._wifi_connect(op, a, data)

    def _radio_fault(self, op, a, data):
        fault = self.no_radio.encode()
        return struct.pack("<h", len(fault)) + fault

    def _uart_open(self, op, a, data):
        self._give(self._uarts.pop(a, ()))
        places = self.chip.take_all(reversed(struct.unpack("<BBHHH", data)[3:]))
        if places is None:
            return struct.pack("<h", -1)
        self._uarts[a] = places
        return super()._uart_open(op, a, data)

    def _heap_info(self, op, a, data):
        regions = b"".join(struct.pack("<IIII", *region) for region in self.chip.info())
        return struct.pack("<h", len(regions)) + regions

    def _heap_needed(self, op, a, data):
        used, more = struct.unpack("<II", data)
        had = self.chip.python_needs(used, more)
        return struct.pack("<hI", 0 if had else -1, self.chip.python)

    def _line_stage(self, op, stage, data):
        """A connection goes on: 0 its context, 1 certificates, 2 buffers, 3 handshake, 4 it is
        made, 5 it is closed.
        """
        if stage in (0, 5):
            self._close_line()
        if stage == 5:
            return struct.pack("<h", 0)
        if stage == 4:
            self._give(self._line[chip.SOCKET :])
            self._line = self._line[: chip.SOCKET]
            return struct.pack("<h", 0)
        first, last = ((0, 1), (1, 2), (2, 4), (4, None))[stage]
        places = self.chip.take_all(chip.CONNECTION[first:last])
        self._line += places or []
        if places and stage == 3 and len(self._network) == len(self.takes):
            self._network += self.chip.take_all(chip.TRAFFIC) or []
        return struct.pack("<h", -1 if places is None else 0)

    def _close_line(self):
        self._give(self._line)
        self._line = []


class FittedBoard(Board):
    """A `Board` whose file system, journal and NVS are in the folder `home`.

    `parts` is the simulator's board, to break and to look at, `chip` its heap. regions: the free
    pieces of that. resets: how often the chip has started anew, but for soft resets.
    """

    def __init__(self, home: Path, name=_NAME, networks=AIR, regions=chip.REGIONS, **facts):
        self.chip = chip.Chip(regions)
        self.resets = 0
        self._is_soft = False
        self.parts = FittedParts(home, name, networks, self.chip)
        self.parts.power_up()
        self.parts.on_reset = self._on_reset
        self._wire = None
        self._serving = None
        super().__init__(home / "disk", parts=True, **facts)

    def __exit__(self, *_):
        super().__exit__()
        self.parts.close()

    @property
    def watchdog_s(self):
        """Seconds that the watchdog waits, 0 when it does not run."""
        return self.parts._watchdog_s

    @property
    def runs(self):
        """Whether the terminal runs: its watchdog does, and boot.py and main.py have not ended."""
        return self._starting and self.watchdog_s > 0 and self.parts.wifi.active()

    def unplug(self):
        """Pull the cable, for good; the board has power from elsewhere."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        if self._client:
            self._client.shutdown(socket.SHUT_RDWR)

    def open_console(self):
        """Pull the plug, and have what the provider's response leaves: see test_console.py."""
        self._pull(lambda: self.parts.nvs.set("rebind", "console", "B", b"\1"))

    def power_cycle(self):
        """Pull the plug and put it back."""
        self._pull(lambda: None)

    def _pull(self, meanwhile):
        back = threading.Event()
        self._events.put(("plug", (meanwhile, back)))
        back.wait()

    def _on_reset(self, cause):
        """On the bus thread: nothing of the firmware may run after this."""
        process = self._process
        self._events.put(("reset", (process, cause)))
        process.kill()

    def happened(self, kind, what):
        """Deal with the plug, or with a reset of the chip, which the parts have told."""
        if kind == "plug":
            self._power_off()
            self.parts.power_up()
            meanwhile, back = what
            meanwhile()
            self.parts.nvs.commit()
            self._power_on()
            back.set()
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
                },
                pass_fds=[theirs.fileno()],
            )
        self._serving = threading.Thread(
            target=self.parts.serve, args=(self._wire,), name="bus", daemon=True
        )
        self._serving.start()
        return process

    def _soft_reset(self):
        self._is_soft = True
        super()._soft_reset()
        self._is_soft = False

    def _halt(self):
        self._is_soft = True
        super()._halt()
        self._is_soft = False

    def _power_off(self):
        super()._power_off()
        if self._wire:
            self._serving.join()  # the process has ended, and its end of the bus with it
            self._wire.close()
            self._wire = None
            if self._is_soft:
                self.parts.soft_reset()
            else:
                self.parts.reset()
                self.resets += 1
