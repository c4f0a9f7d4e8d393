"""Class activation maps, and everything between a layer and a heat map.

attention         attention_rollout; legrad: what a transformer's attention says, the latter by torch-cam
average_map       average_map: the mean map of many pictures
completeness      completeness: whether the cells of a map add up to the score
configuration     Configuration: a program with its settings, as text too; configured_heatmap
contrast          contrast: two classes of one picture; contrasts: at several layers
drawing           Drawing, draw_overlay: a map over its picture
edges             sobel_edges, edges_on_grid
grad_cam          grad_cam: Grad-CAM by hand at several layers in one pass; class_maps: of every class
other_programs    torch-cam, Captum and Ultralytics
package_grad_cam  the package grad-cam
postprocess       heatmap, PostProcess: from activations and gradients to heat maps
settings          CamSettings and its presets
training_time     the maps of one picture during a training
walkthrough       walkthrough: every number of Grad-CAM; channel_ablation
"""
