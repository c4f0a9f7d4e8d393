"""What a score is made of at one layer, and where averaging the gradients misleads, in sentences written from the numbers."""

from explain_lib.completeness import Completeness

LOGITS_ONLY = (
    "HiResCAM's cells add up to a logit, or to the difference of two; a probability is no sum of cells, so nothing is "
    "compared here. With the score “logit” it would be."
)
"""What stands in the place of the sentences where a probability is explained."""


def sum_sentence(found: Completeness) -> str:
    """What HiResCAM's cells, the biases and what goes past the layer come to, beside the score."""
    parts = f"HiResCAM's cells add up to {signed(found.hirescam_sum)}, the biases after the layer to {signed(found.biases)}"
    if found.past:
        parts += f", and what reaches the score past the layer to {signed(found.past)}"
    score = score_words(found)
    if found.holds:
        return f"{parts}: together {score}, {signed(found.score)}."
    return (
        f"{parts}. That leaves {signed(found.residual)} of {score}, {signed(found.score)}: a module after the layer is not "
        "linear piece by piece, so HiResCAM's cells need not add up here."
    )


def averaging_sentence(found: Completeness) -> str:
    """What averaging the gradients over the grid does to the map: to its sum, to the signs of its cells, to one most."""
    if found.same_map:
        why = (
            "Every channel's gradient is the same in all cells" if found.even else "Gradients vary only where it does not count"
        )
        return f"{why}, so averaging over the grid changes nothing: Grad-CAM's map is HiResCAM's, cell by cell."
    row, column = found.worst_cell
    turned = f"{100 * found.turned_share:.0f} %" if found.turned.any() else "none"
    return (
        f"Grad-CAM's cells add up to {signed(found.grad_cam_sum)}: averaging the gradients over the grid changed "
        f"the sum by {signed(abs(found.moved))}, and in {turned} of the cells it turned the sign. It changes most at row "
        f"{row}, column {column}, counted from 0: {signed(float(found.hirescam[row, column]))} became "
        f"{signed(float(found.grad_cam[row, column]))}."
    )


def score_words(found: Completeness) -> str:
    """What the parts add up to: the logit, a difference of two, or either with its sign turned."""
    words = "the logit" if found.target.minus is None else "the difference of the two logits"
    return words if found.target.sign == 1 else f"{words} with its sign turned"


def signed(value: float, places: int = 2) -> str:
    """A number with so many places, or as many as it takes to show two digits of a small one; a proper minus."""
    shown = value + 0.0  # a zero below zero is a zero
    text = f"{shown:.{places}f}" if abs(shown) >= 0.1 or shown == 0 else f"{shown:.2g}"
    return text.replace("-", "−")
