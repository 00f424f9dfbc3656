"""The device's file system as one image, made and read: a littlefs such as the chip's.

Imports littlefs-python.
"""

from littlefs import LittleFS
from littlefs.context import UserContext
from littlefs.errors import LittleFSError

from tools.build.tree import BuildError

BLOCK = 4096

# What MicroPython gives littlefs on this chip; files up to the cache's size lie in their folder.
_READ = _PROG = _LOOKAHEAD = 32
_CACHE = 128


def file_system(files: dict[str, bytes], size: int) -> bytes:
    """Return a littlefs of `size` bytes that holds {path: content}. Raises `BuildError`."""
    made = LittleFS(
        block_size=BLOCK,
        block_count=size // BLOCK,
        read_size=_READ,
        prog_size=_PROG,
        lookahead_size=_LOOKAHEAD,
        cache_size=_CACHE,
    )
    try:
        for path, content in sorted(files.items()):
            folder = path.rpartition("/")[0]
            if folder:
                made.makedirs(folder, exist_ok=True)
            with made.open(path, "wb") as file:
                file.write(content)
    except LittleFSError as error:
        raise BuildError(
            f"the files do not fit into the vfs of {size >> 10} KiB: {error}"
        ) from None
    return bytes(made.context.buffer)


def contents(image: bytes) -> dict[str, bytes]:
    """Return {path: content} of all files of a littlefs. Raises `BuildError` when it is none."""
    found = LittleFS(
        context=UserContext(buffer=bytearray(image)),
        block_size=BLOCK,
        block_count=len(image) // BLOCK,
        mount=False,
    )
    files = {}
    try:
        found.mount()
        for folder, _, names in found.walk("/"):
            for name in names:
                path = f"{folder.rstrip('/')}/{name}"
                with found.open(path, "rb") as file:
                    files[path.lstrip("/")] = file.read()
    except LittleFSError as error:
        raise BuildError(f"its file system is damaged: {error}") from None
    return files
