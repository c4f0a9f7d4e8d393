"""The layer to hook: the candidates of a network beside one another, on a person's own pictures.

advise      advise: the measurement and its result in one call
candidates  the layers that come into question, ends of stages first
choice      Advice: the pick, or those that are tied, with paired intervals; who drops out early
measuring   AdviceRequest: three numbers a layer and picture, without those that dropped out
words       the advice in sentences
"""
