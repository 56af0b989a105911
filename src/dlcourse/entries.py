"""All entries of the zoo and how each is made: the classifiers, and what applications train.

``dlcourse train-entry NAME`` makes one.
"""

from __future__ import annotations

from dlcourse.applications.captioning import entries as captioning
from dlcourse.applications.detection import entries as detection
from dlcourse.applications.driving import entries as driving
from dlcourse.applications.generation import entries as generation
from dlcourse.applications.rl import entries as rl
from dlcourse.applications.segmentation import entries as segmentation
from dlcourse.applications.style import entries as style
from dlcourse.zoo import classifiers, ensemble
from dlcourse.zoo.training import Entry

# In an order in which each begins with the weights of those before it.
ENTRIES: dict[str, Entry] = {
    str(entry.name): entry
    for part in (
        *(classifiers, ensemble, driving, segmentation, captioning, detection),
        *(style, generation, rl),
    )
    for entry in part.ENTRIES
}
