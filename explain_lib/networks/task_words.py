"""How pages, files and commands speak of a task: its classes, its scores, and what is said of a class."""

from collections.abc import Mapping
from dataclasses import dataclass

from explain_lib.base.words import percent, short
from explain_lib.networks.model import Model
from explain_lib.passes.targets import Score
from explain_lib.passes.tasks import Task


@dataclass(frozen=True)
class TaskWords:
    """The words of one task.

    title: as an entry of a list. a_class: one of its classes. value: what is said of a class besides its name. logit: its score
    before that. predicted: of the class that stands out. bars: the heading of all values. meaning: of the values, a sentence.
    scores: the meaning of both scores, in sentences. raises, lowers: evidence with the sign 1 and -1. first: of the class with
    the largest value. left: what is measured of a class while pixels are removed; empty for its value.
    """

    title: str
    a_class: str
    value: str
    logit: str
    predicted: str
    bars: str
    meaning: str
    scores: str
    raises: str = "for"
    lowers: str = "against"
    first: str = "likeliest"
    left: str = ""

    @property
    def measured(self) -> str:
        """What deletion and insertion measure of a class."""
        return self.left or self.value


TASK_WORDS: Mapping[Task, TaskWords] = {
    "softmax": TaskWords(
        title="one class of several (softmax)",
        a_class="class",
        value="probability",
        logit="logit",
        predicted="predicted",
        bars="Class probabilities",
        meaning="The softmax of the network's outputs: it divides 100 % among the classes.",
        scores="Logit: the network's output before the softmax. Probability: after it, where one class can only gain what the "
        "others lose.",
    ),
    "sigmoid": TaskWords(
        title="independent labels (sigmoid)",
        a_class="label",
        value="probability",
        logit="logit",
        predicted="strongest",
        bars="Label probabilities",
        meaning="The sigmoid of each output: labels do not exclude each other, so they need not add up to 100 %.",
        scores="Logit: the network's output before the sigmoid. Probability: after it, each label on its own.",
    ),
    "binary": TaskWords(
        title="one logit, for and against (sigmoid)",
        a_class="class",
        value="probability",
        logit="logit",
        predicted="predicted",
        bars="Probabilities, for and against",
        meaning="The sigmoid of the network's one logit, and of its negative: together 100 %.",
        scores="Logit: the network's one output, with its sign turned for the first class. Probability: its sigmoid.",
    ),
    "regression": TaskWords(
        title="numbers (regression)",
        a_class="output",
        value="number",
        logit="number",
        predicted="says",
        bars="The network's numbers",
        meaning="The network's outputs as they are; a regression has no probabilities.",
        scores="The network's output itself.",
        raises="raises",
        lowers="lowers",
        first="largest",
    ),
    "segmentation": TaskWords(
        title="a class for each place (segmentation)",
        a_class="class",
        value="share of the picture",
        logit="summed logit",
        predicted="covers most",
        bars="Shares of the picture",
        meaning="The share of the picture where the network predicts each class: together 100 %. The background is one, too.",
        scores="Logit: the sum of the class's outputs over the region. Probability: the sum of its softmax there.",
        first="largest",
        left="mean probability over the region",
    ),
    "detection": TaskWords(
        title="a class for each box (detection)",
        a_class="class",
        value="best score",
        logit="logit",
        predicted="has the best box",
        bars="Best score of each class",
        meaning="The score of the best box of each class, before overlapping boxes are suppressed. They need not add up to "
        "100 %.",
        scores="Logit: the output of the box for the class. Probability: its softmax or sigmoid in that box, its score.",
        first="best",
        left="score of the box",
    ),
    "sigmoid-segmentation": TaskWords(
        title="labels for each place (sigmoid)",
        a_class="label",
        value="share of the picture",
        logit="summed logit",
        predicted="covers most",
        bars="Shares of the picture",
        meaning="The share of the picture where each label is more likely than not. Labels do not exclude each other, so the "
        "shares need not add up to 100 %.",
        scores="Logit: the sum of the label's outputs over the region. Probability: the sum of its sigmoid there.",
        first="largest",
        left="mean probability over the region",
    ),
}


_PROBABILITIES: Mapping[Task, str] = {
    "segmentation": "summed probability",
    "sigmoid-segmentation": "summed probability",
    "detection": "score of the box",
}


def value_words(value: float, task: Task, places: int = 1, unit: str = "") -> str:
    """What is said of a class: its probability in percent, or its number with its unit."""
    return f"{short(value)} {unit}".rstrip() if task == "regression" else percent(value, places)


def score_word(score: Score, task: Task) -> str:
    """A score of a class: "logit", "probability", or the "number" of a regression."""
    words = TASK_WORDS[task]
    return words.logit if score == "logit" else _PROBABILITIES.get(task, words.value)


def count_words(model: Model) -> str:
    """How many classes a model has, in the words of its task: "14 labels"."""
    word, count = TASK_WORDS[model.task].a_class, len(model.classes)
    return f"{count:,} {word if count == 1 else plural_of(word)}"


def plural_of(word: str) -> str:
    """Several classes, labels or outputs."""
    return f"{word}es" if word.endswith("s") else f"{word}s"


def classes_judged(model: Model) -> int:
    """How many classes a prediction can be right or wrong about: none of labels and numbers."""
    return len(model.classes) if model.task in ("softmax", "binary") else 0


def task_sentence(model: Model) -> str:
    """The task of a model and how it was decided, and what is read of its output."""
    sentence = f"Task: {TASK_WORDS[model.task].title}, {model.task_source}."
    return " ".join(filter(None, (sentence, model.outputs.sentence)))
