"""How far maps can be trusted.

by_row          the ladder of one large picture, row by row
cover           cover_picture: some cells of a picture covered, and the code of these cells
cover_effect    cover_effect: what that does to the score, beside what the map promised
faithfulness    deletion, insertion and ROAD; removal_pictures
fills           what stands in the place of removed pixels
ladder          layer_ladder: every layer of a network beside baselines
ladder_summary  summarise_ladder, rank_ladder, and sentences
measures        the names of measures and fills
plus_plus       plus_plus_facts: whether Grad-CAM++'s divisors are above zero at a layer
region          map_by_cell: a painted region beside the map, in shares and overlap
rungs           the maps of a ladder's rows, of other methods and placements too, and the rows made of curves
sanity          SanityRequest, random_starts: maps beside those of randomised networks, of a twin and a second network
sanity_summary  summarise_sanity, and sentences
single_deletion patch_changes and single_deletion: maps beside what each patch alone does to the score
"""
