"""Choose the language of everything the terminal says."""

from firmware.storage import state as store
from firmware.ui.keys import BACK

_LANGUAGES = ("zh", "en")


async def run(desk):
    """Offer the languages, each in its own words; the choice survives power loss."""
    items = [desk.text("language." + language) for language in _LANGUAGES]
    at = await desk.pages.menu("language.title", items, _LANGUAGES.index(desk.text.language))
    if at != BACK:
        desk.state.put(((store.LANGUAGE, _LANGUAGES[at].encode()),))
        desk.use_language(_LANGUAGES[at])
