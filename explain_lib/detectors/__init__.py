"""Detectors of other libraries, run up to the scores of all candidates, before overlapping boxes are suppressed.

detector      as_detector: a network that detects as one that gives Candidates; its classes and its input
torchvision   one stage: SSD, SSDlite, RetinaNet, FCOS; two stages: Faster R-CNN, Mask R-CNN, Keypoint R-CNN
transformers  DETR and its kin
ultralytics   YOLO
"""
