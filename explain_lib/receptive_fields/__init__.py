"""Where the cells of a layer look: the middles of their receptive fields.

centres     cell_centres, locate_cells, CellCentres: read, checked, else measured
positions   read_positions: the position of every cell, from the operations of one pass
"""
