"""Where the cells of a layer look: the middles of their receptive fields.

centres     cell_centres, locate_cells, CellCentres: read, checked, else measured
"""
