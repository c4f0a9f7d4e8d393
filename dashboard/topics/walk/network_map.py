"""The drawing of the network on the page: a click, or Enter, on a layer hooks it."""

from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from dashboard import ASSETS
from dashboard.figures.colours import VARIABLES
from dashboard.topics.walk.network_drawing import draw_network
from dashboard.view.address import change_view
from dashboard.view.scene import Scene
from explain_lib.passes.graph import NetworkGraph

KEY = "network_map"
_MAP = st.components.v2.component(
    KEY,
    html='<div class="network-map" tabindex="-1"></div>',
    css=VARIABLES + (ASSETS / "network_map.css").read_text(),
    js=(ASSETS / "network_map.js").read_text(),
    isolate_styles=False,
)


def show_network(scene: Scene, graph: NetworkGraph) -> None:
    """The network, with the hooked layer marked and every layer that can be explained as a link."""

    def chosen() -> None:
        layer = st.session_state[KEY]["layer"]
        if layer in scene.model.spatial_layers:
            change_view(layer=layer)

    def address(layer: str) -> str:
        return f"?{urlencode(replace(scene.view, layer=layer, channel=None, without=()).to_query())}"

    drawn = draw_network(graph, scene.layer, scene.model.explained_layers, address)
    _MAP(data={"svg": drawn}, key=KEY, on_layer_change=chosen)
