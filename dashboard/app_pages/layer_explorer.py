"""Manual Grad-CAM on any layer, for any class; two models or two images side by side."""

from dashboard.figures.asked_place import asked_on_picture
from dashboard.frame.check_up import show_check_up
from dashboard.frame.page import show_page
from dashboard.topics.explorer.class_previews import send_class_previews
from dashboard.topics.explorer.contrast import show_contrast
from dashboard.topics.explorer.cover import answer_painting
from dashboard.topics.explorer.panels import make_panels, panel_files
from dashboard.topics.explorer.sections import SIDE, explorer_controls, reach_of, show_panels, stage_of, view_key
from dashboard.view.record import offer
from dashboard.view.scene import Scene
from dashboard.view.slide import view_slide
from dashboard.widgets.page_links import link_to_disagreement


def _draw(scene: Scene) -> None:
    if scene.model.sheet is not None:
        _draw_sheet(scene)
        return
    panels = make_panels(scene)
    reach = reach_of(panels)
    show_panels(panels, reach)
    link_to_disagreement(scene.view)
    explorer_controls(scene)
    asked = asked_on_picture(scene.view)
    if asked is None or asked.is_open:  # else no map is to be seen
        if scene.view.card:
            from dashboard.topics.explorer.card import show_card  # it loads what judges maps

            show_card(panels[0])
        show_contrast(panels[0].scene, panels[0].layer, panels[0].cams.names)
        if scene.view.beside == "nothing":
            answer_painting(scene, stage_of)
        send_class_previews(panels[0].scene, panels[0].cams.names, view_key(panels[0]))
    show_check_up(scene)
    offer(panel_files(panels, reach, SIDE), slide=lambda: view_slide(panels[0].scene, reach))


def _draw_sheet(scene: Scene) -> None:
    """The page for a network of volumes or signals."""
    from dashboard.topics.explorer.sheets import sheet_files, show_sheet  # only few networks need it

    maps = show_sheet(scene)
    show_contrast(scene, maps.layer, maps.cams.names)
    show_check_up(scene)
    offer(sheet_files(maps), slide=lambda: view_slide(scene))


show_page("layer_explorer", _draw, covers=True)
