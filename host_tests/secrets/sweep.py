"""All stories and the report: two at a time for each core, since most of what a story takes is
waiting. May import story.
"""

import concurrent.futures
import json
import multiprocessing
import os
import tempfile
from pathlib import Path

from host_tests.secrets import allowed, story
from tools.simulator import scenario, workplace

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
REPORT = _ROOT / "build" / "reports" / "secrets.json"
OWN = sorted((_HERE / "stories").glob("*.txt"))
STORIES = {path.stem: path for path in [*OWN, *sorted((_HERE.parent / "scenarios").glob("*.txt"))]}
QUICK = ("abandoned", "card_cvv2")
PLANTED = "abandoned"  # the story in which leaks are made on purpose
LEAKS = ("flash", "log", "memory")


def _play(name, device):
    with tempfile.TemporaryDirectory(prefix="rebind-") as home:
        return story.play(STORIES[name], home, device, plants=name == PLANTED)


def run(names, progress=lambda done, total: None, processes=None):
    """Play the stories, those that wait the longest first; return the report."""
    device = workplace.device_root()
    context = multiprocessing.get_context("spawn")
    results, not_played = [], {}
    with concurrent.futures.ProcessPoolExecutor(processes or 2 * os.cpu_count(), context) as pool:
        waiting = {pool.submit(_play, name, device): name for name in names}
        try:
            for done in concurrent.futures.as_completed(waiting):
                try:
                    results.append(done.result())
                except scenario.ScenarioError as error:
                    not_played[waiting[done]] = str(error)
                progress(len(results) + len(not_played), len(names))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return report(sorted(results), not_played)


def report(results, not_played):
    """Return what is printed and kept of the stories' results. not_played: {story: why it could
    not be played to its end}.
    """
    planted = next((result.planted for result in results if result.story == PLANTED), {})
    not_searched = next((result.not_searched for result in results if result.not_searched), None)
    leaks = [leak for leak in LEAKS if leak != "memory" or not not_searched]
    used = {what for result in results for what in result.allowed}
    return {
        "stories": {result.story: result.secrets for result in results},
        "secrets": sum(sum(result.secrets.values()) for result in results),
        "bytes": {
            place: size
            for place in allowed.PLACES
            if (size := sum(result.bytes.get(place, 0) for result in results))
        },
        "found": [[result.story, *finding] for result in results for finding in result.found],
        "allowed": sorted(map(list, used)),
        "planted": {leak: planted.get(leak, False) for leak in leaks} if planted else {},
        "not searched": not_searched,
        "not played": not_played,
    }


def save(report):
    """Write build/reports/secrets.json."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
