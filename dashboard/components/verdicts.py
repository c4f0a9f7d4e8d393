"""What the network says of all images of a set, where that is not known beforehand: asked in the background."""

import streamlit as st

from dashboard.components.job_run import is_done, show_job
from dashboard.components.scene import Scene
from explain_lib.predictions import VerdictRows, Verdicts
from explain_lib.verdict_request import VerdictRequest


def ask_about_all(scene: Scene) -> bool:
    """Controls and progress of the work that asks the network about every image, until it is done. Whether it is."""
    said = scene.predictions
    if not isinstance(said, Verdicts) or said.asked.all():
        return True
    request = VerdictRequest(scene.model, scene.images.pixels)
    if is_done(request):  # what is missing cannot be read
        return True
    asked = int(said.asked.sum())
    st.info(
        f"The network was asked about {asked:,} of {len(said.asked):,} images. Conditions on predictions leave the others out."
    )

    def nothing(rows: VerdictRows, more: bool) -> None:
        del rows, more

    show_job(request, "Ask about", nothing, what="The work", nothing="Until then, filters by class work.")
    return False
