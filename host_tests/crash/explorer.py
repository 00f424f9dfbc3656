"""Goes through the faults of a scenario: lives it once, then again with a cut at each point.

A fault is named by the number of its point in the life before it: `(12,)` cuts the first life at
its point 12, `(12, 3)` cuts the recovery from that at its point 3. What always holds: the same
scenario, fault and interpreter give the same result. May import scenarios, world, rules, bodies.
"""

import traceback
from collections import Counter
from dataclasses import dataclass, field

from host_tests.crash import rules, scenarios
from host_tests.crash.world import MemoryBooks, Snapshot, World


@dataclass(frozen=True)
class Life:
    """A life that was lived: where it began, what was cut meanwhile, its world, what it left."""

    start: Snapshot = field(repr=False)
    resumed: bool
    link_cuts: tuple
    world: World = field(repr=False)
    left: Snapshot = field(repr=False)
    failure: str | None

    @property
    def points(self):
        """The points at which something may fail next: those after the last cut of the line."""
        return self.world.points[self.world.cut_at :]


@dataclass(frozen=True)
class Disagreement:
    """A rule that did not hold; the line is all that is needed to see it again."""

    scenario: str
    interpreter: str
    fault: tuple
    rule: str
    wrong: str

    @property
    def line(self):
        """`scenario:12.3 [interpreter] rule: what is wrong`"""
        return f"{only(self.scenario, self.fault)} [{self.interpreter}] {self.rule}: {self.wrong}"


def only(scenario, fault):
    """The name of one fault, as `--only` takes it."""
    return f"{scenario}:{'.'.join(map(str, fault))}"


class Explorer:
    """One scenario (by name), lived by a body (see `bodies`).

    seen_before: how much of a life's log is older than the scenario.
    """

    def __init__(self, name, body):
        self.scenario = scenarios.SCENARIOS[name]
        self._body = body
        self._books = MemoryBooks()
        self._start = scenarios.begin(name)
        self.seen_before = len(self._start.log)
        self._first = None
        self.ends = Counter()

    def close(self):
        """Forget the books."""
        self._books.close()

    @property
    def first(self):
        """The life in which nothing fails, with its points."""
        if self._first is None:
            self._first = self._live(self._start, False)
        return self._first

    def _live(self, start, resumed, link_cuts=(), watch=True):
        world = World(self._books, start, self.scenario.policy, link_cuts, watch)
        failure = None
        try:
            self._body.live(world, self.scenario.full_plan(resumed))
        except Exception as error:  # noqa: BLE001 - whatever it is, the terminal would have stopped
            place = traceback.extract_tb(error.__traceback__)[-1]
            failure = f"{type(error).__name__} {error} in {place.name}, line {place.lineno}"
        if "service" in world.facts:
            failure = "needs service"
        return Life(start, resumed, link_cuts, world, world.snapshot(), failure)

    def again(self):
        """The life in which nothing is cut, lived anew by a body that may fail otherwise."""
        return self._live(self._start, False, watch=False)

    def after(self, life, point, watch=False):
        """The life that follows a cut of `life` at `point`."""
        if point.link is not None:
            return self._live(life.start, life.resumed, (*life.link_cuts, point.link), watch)
        return self._live(point.snapshot().later(self.scenario.off_s), True, watch=watch)

    def cut(self, fault, watch=False):
        """The life after the last cut of `fault`; the first life when it has none."""
        life = self.first
        for depth, number in enumerate(fault):
            last = depth == len(fault) - 1
            life = self.after(life, life.points[number], watch or not last)
        return life

    def broken(self, life):
        """Return [(rule, what is wrong)] after `life`, and count how it ended."""
        if self.scenario.nights and life.failure is None:
            life = self._live(life.left.later(self.scenario.off_s), True, watch=False)
        self._books.put_back(life.left.books)
        facts = life.world.facts
        failure = life.failure
        if failure is None and "settled" not in facts:
            failure = "ended without a word"
        trial = rules.Trial(
            self.scenario,
            facts.get("booted"),
            facts.get("settled"),
            failure,
            facts.get("tokens at boot", set()),
            self._books.snapshot(),
            life.world.log,
            self.seen_before,
            (life.start, life.left),
        )
        found = rules.broken(trial)
        as_uncut = trial.acquirer_token() == scenarios.world.token(self.scenario.ends[0])
        self.ends["as uncut" if as_uncut else "otherwise"] += 1
        return found

    def disagreements(self, fault):
        """Cut there and return the Disagreements."""
        return [
            Disagreement(self.scenario.name, self._body.name, fault, rule, wrong)
            for rule, wrong in self.broken(self.cut(fault))
        ]

    def kinds(self):
        """How many points there are of each kind."""
        return dict(sorted(Counter(point.kind for point in self.first.points).items()))

    def singles(self, quick):
        """The single faults: all, or with `quick` those at the edges of operations."""
        points = self.first.points
        return [(n,) for n, point in enumerate(points) if not quick or point.is_edge]

    def pairs(self, fault):
        """The double faults that begin with the single `fault`, at the edges of what follows."""
        points = self.cut(fault, watch=True).points
        return [(*fault, n) for n, point in enumerate(points) if point.is_edge]

    def sampled_pair(self, draw):
        """A double fault drawn (by a random.Random) from all; None where nothing follows."""
        first = draw.randrange(len(self.first.points))
        followers = len(self.cut((first,), watch=True).points)
        return (first, draw.randrange(followers)) if followers else None

    def story(self, fault):
        """Tell what happens, for people: the cuts, what was seen, what the terminal has, what is
        wrong.
        """
        lines = [f"{self.scenario.name} under {self._body.name}"]
        life = self.first
        for number in fault:
            point = life.points[number]
            lines.append(f"  cut at {number}: {point.kind}, {point.label}")
            life = self.after(life, point, watch=True)
        found = self.broken(life)
        for entry in life.world.log[self.seen_before :]:
            lines.append("  seen: " + " ".join(str(part) for part in entry if part is not None))
        for stage in ("booted", "settled"):
            lines.append(f"  {stage}: {life.world.facts.get(stage)}")
        for row in self._books.snapshot()["applications"]:
            lines.append(f"  application {row['application']}: {row['status']}")
        lines += [f"  WRONG {rule}: {wrong}" for rule, wrong in found] or ["  all rules hold"]
        return "\n".join(lines)
