"""A card on the simulated board's contactless reader, in real time, through the chip's UART."""

from host_tests.simulator.conftest import printed
from tools.simulator.models import cards

_READ = (
    "import asyncio, machine\n"
    "from drivers import contactless\n"
    "from drivers.magstripe import Magstripe\n"
    "from firmware.card import emv\n"
    "uart = machine.UART(2, baudrate=115200, rx=machine.Pin(16), tx=machine.Pin(17), rxbuf=1024)\n"
    "found, label = bytearray(emv.FOUND_LEN), bytearray(emv.LABEL_LEN)\n"
    "async def work(reader):\n"
    "    print('waiting')\n"
    "    while True:\n"
    "        await reader.arrival()\n"
    "        print('verdict', await emv.read(reader, found, label), bytes(found), bytes(label))\n"
    "asyncio.run(contactless.serve(uart, Magstripe(uart), work))\n"
)


def test_a_card_is_read_the_reader_unplugged_and_plugged_in_again(bench):
    async def story(terminal):
        reader = terminal.board.contactless
        reader.fitted = True
        await terminal.power_on()
        await printed(terminal, "waiting")
        card = cards.Payment(cards.unionpay())
        reader.put(card)
        assert "b'30126230000000000000015" in await printed(terminal, "verdict 0")
        assert terminal.board.port.lost == 0
        reader.take(card)
        reader.fitted = False
        reader.put(cards.Payment(cards.visa()))
        terminal.console.lines.clear()
        reader.fitted = True
        assert "b'30124761000000000019" in await printed(terminal, "verdict 0")

    bench(story, _READ, drivers=True)
