"""A terminal whose clock is behind its acquirer's certificate: it gets out of that by itself."""

import asyncio
import datetime

import pytest

from host_tests.scenarios.test_scenarios import device  # noqa: F401 (a fixture)
from tools.acquirer import office, pki
from tools.simulator import scenario, workplace
from tools.toolchain import clock


def renew(path):
    """Give the acquirer in `path` a certificate that begins a minute ago."""
    home = office.Home(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pki, "_BACK", datetime.timedelta(minutes=1))
        certificate, key = home.authority().server(home.about()["server_name"])
    home.server_path.write_bytes(pki.certificate_pem(certificate))
    pki.write_private(home.server_key_path, pki.key_pem(key))


def test_a_terminal_signs_on_at_a_host_whose_certificate_is_newer_than_its_clock(
    device,  # noqa: F811
    tmp_path,
    record_property,
):
    if clock.command() is None:
        pytest.skip("there is no libfaketime: the interpreter has this machine's clock")
    record_property("interpreter", "micropython")
    identity = workplace.prepare(tmp_path, device)
    renew(tmp_path / "acquirer")
    lines = tmp_path / "story.txt"
    lines.write_text('power on\nsee "@idle.ready" within 20\nbooks 0 terminals counter=0\n')

    async def story():
        async with workplace.at_work(tmp_path, identity) as stage:
            await stage.play(scenario.load(lines))

    asyncio.run(story())
