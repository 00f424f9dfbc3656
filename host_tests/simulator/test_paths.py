"""A person's folders: the terminal starts wherever its tree and its home lie."""

from host_tests.simulator.conftest import printed
from tools.simulator import interpreter
from tools.toolchain import HOME

_FOLDER = "a b/中 文 (1) 'c\" $HOME"
_HOME = f"{_FOLDER}/d;e=f"


def test_a_terminal_runs_in_a_folder_of_any_name(bench, tmp_path, monkeypatch):
    tree = tmp_path / _FOLDER
    (tmp_path / _HOME).mkdir(parents=True)
    (tree / ".toolchain").symlink_to(HOME)
    monkeypatch.setattr(interpreter, "HOME", tree / ".toolchain")
    monkeypatch.setattr(interpreter, "_COMPILED", tree / "shims")

    async def story(terminal):
        await terminal.power_on()
        assert await printed(terminal, "there") == "there 4096"
        assert terminal.home.is_relative_to(tree)

    bench(
        story,
        "import esp32\n"
        "journal = esp32.Partition.find(esp32.Partition.TYPE_DATA, label='journal')[0]\n"
        "print('there', journal.ioctl(5, 0))",
        folder=_HOME,
    )
