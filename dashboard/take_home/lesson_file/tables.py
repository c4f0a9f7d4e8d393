"""The numbers of a page's charts as tables: a file has no charts to point at."""

from collections.abc import Sequence
from dataclasses import dataclass

import explain_lib as xl
from dashboard.topics.ladder.figure import KINDS
from dashboard.topics.ladder.measured import sample_request
from dashboard.topics.sides.cause_words import causes_with_effect, setting_words
from dashboard.view.scene import Scene, sample_scene, sample_words
from explain_lib.base.words import fine, mean_alone, mean_words, percent, points
from explain_lib.study.guesses import ContourGuess
from explain_lib.trust.ladder_summary import Ranking, RungSummary, rank_ladder, summarise_ladder
from explain_lib.trust.measures import direction_words, measure_words
from explain_lib.work.ladder_files import bundled_ladder


@dataclass(frozen=True)
class Table:
    """A table: its caption, the names of its columns, and its rows, each as long; the first column names the rows."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def causes_table(found: xl.Decomposition) -> Table:
    """The settings that make two maps differ, the largest effect first, as the waterfall has them."""
    causes: Sequence[tuple[str, float]] = causes_with_effect(found)
    rows = tuple(
        (setting_words(name), fine(share, 4, sign=True), percent(share / found.mae, 0) if found.mae else "not defined")
        for name, share in causes
    )
    return Table("Why they differ: what each setting adds to the mean of |b − a|", ("setting", "adds", "share"), rows)


def ladder_table(scene: Scene) -> Table | None:
    """The ranking over many pictures that was measured beforehand; None where none was."""
    known = bundled_ladder(sample_request(scene))
    if known is None:
        return None
    ranking = rank_ladder(known, scene.view.measure, scene.view.fill)
    return ranking_table(ranking, summarise_ladder(known), sample_words(*sample_scene(scene)))


def ranking_table(ranking: Ranking, summary: Sequence[RungSummary], sample: str) -> Table:
    """Every row with its mean, the best first. sample: the words for the pictures."""
    measure, fill, by_name = ranking.measure, ranking.fill, {one.rung.name: one for one in summary}
    rows = tuple(
        (str(place), name, KINDS[by_name[name].rung.kind][0], mean_words(by_name[name].value(measure, fill)))
        for place, name in enumerate(ranking.order, 1)
    )
    title = f"Many pictures: {measure_words(measure, fill)}, {direction_words(measure)}. {sample}"
    return Table(title, ("rank", "row", "kind", "mean, with its 95 % interval"), rows)


def contour_table(found: ContourGuess) -> Table:
    """Outline against inside, in maps and in what the network says, over pictures of all classes and over planes and ships."""
    rows = tuple(
        (
            group.name,
            mean_alone(group.along),
            mean_alone(group.inside),
            mean_words(group.where),
            points(group.use),
            group.verdict,
        )
        for group in (found.decides, found.craft)
    )
    columns = ("pictures", "along", "inside", "beyond another outline", "cost of a shuffled outline less inside", "verdict")
    return Table(f"Density of the maps of {found.layer} along outlines and inside", columns, rows)
