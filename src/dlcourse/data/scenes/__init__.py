"""Pictures with several things in them: where they are, what they are, and in what relation.

A scene is made, not photographed: handwritten digits of MNIST, each cut out as a sticker, lie on a
textured ground among scribbles. So boxes, masks and a caption are known exactly, any number of
scenes can be had, and the digits of the training, validation and test scenes are disjoint.
"""

from dlcourse.data.scenes.caption import WORDS, describe
from dlcourse.data.scenes.export import write_coco, write_voc
from dlcourse.data.scenes.photographs import KINDS, load_photographs
from dlcourse.data.scenes.scene import CLASSES, Scene
from dlcourse.data.scenes.sets import SceneSet, load_scenes

__all__ = [
    "CLASSES",
    "KINDS",
    "WORDS",
    "Scene",
    "SceneSet",
    "describe",
    "load_photographs",
    "load_scenes",
    "write_coco",
    "write_voc",
]
