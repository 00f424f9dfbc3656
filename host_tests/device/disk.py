"""A board's file system made and seen from outside, with littlefs-python and nothing of ours."""

from littlefs import LittleFS
from littlefs.context import UserContext

_BLOCK = 4096


def files(image):
    """Return {path: content} of the littlefs that the bytes `image` hold."""
    context = UserContext(buffer=bytearray(image))
    found = LittleFS(
        context=context, block_size=_BLOCK, block_count=len(image) // _BLOCK, mount=False
    )
    found.mount()
    contents = {}
    for folder, _, names in found.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with found.open(path, "rb") as file:
                contents[path.lstrip("/")] = file.read()
    return contents


def image(root, blocks):
    """Return a littlefs of so many blocks with all that the folder `root` holds."""
    made = LittleFS(block_size=_BLOCK, block_count=blocks)
    for path in sorted(root.rglob("*")):
        name = f"/{path.relative_to(root).as_posix()}"
        if path.is_dir():
            made.mkdir(name)
        else:
            with made.open(name, "wb") as file:
                file.write(path.read_bytes())
    return bytes(made.context.buffer)
