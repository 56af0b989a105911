"""The nbgrader course. Every command of nbgrader is run in this folder."""

from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
)


class RestoreCells(NbGraderPreprocessor):
    """Put back what a learner deleted: tests, the setup, and cells to fill in (as released).

    nbgrader's own ``add_missing_cells`` puts tests back, but fails where the cell before a missing
    one is missing too.
    """

    def preprocess(self, nb, resources):
        names = resources["nbgrader"]
        released = Path("release", names["assignment"], f"{names['notebook']}.ipynb")
        order = grade_ids(nbformat.read(released, as_version=4))
        with Gradebook(names["db_url"]) as gradebook:
            notebook = gradebook.find_notebook(names["notebook"], names["assignment"])
            sources = {cell.name: cell for cell in notebook.source_cells}
            points = {cell.name: cell.max_score for cell in notebook.grade_cells}
            to_fill_in = {cell.name for cell in notebook.solution_cells}
            place = 0
            for name in filter(None, order):
                present = grade_ids(nb)
                if name in present:
                    place = present.index(name) + 1
                    continue
                self.log.warning("Missing cell %s was put back", name)
                cell = restored(sources[name], points.get(name), name in to_fill_in)
                nb.cells.insert(place, cell)
                place += 1
        return nb, resources


def grade_ids(nb):
    """Return for each cell its name in nbgrader, or None."""
    return [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells]


def restored(source, points, to_fill_in):
    """Return the cell that the gradebook remembers, as it was released."""
    mark = {
        "grade": points is not None,
        "solution": to_fill_in,
        "locked": source.locked,
        "task": False,
        "grade_id": source.name,
        "schema_version": 3,
        "cell_type": source.cell_type,
        "checksum": source.checksum,
    }
    if points is not None:
        mark["points"] = points
    make = getattr(nbformat.v4, f"new_{source.cell_type}_cell")
    return make(source.source, metadata={"nbgrader": mark})


c = get_config()  # noqa: F821  nbgrader defines it

c.CourseDirectory.course_id = "dlcourse"

# Training a small network takes ten seconds on an idle machine; allow for a slow and busy one.
c.Execute.timeout = 300
# After it the cell is interrupted, and the cells after it still run.
c.Execute.interrupt_on_timeout = True
c.Execute.startup_timeout = 120

# Cells that were deleted come back; tests that were edited always do.
c.Autograde.sanitize_preprocessors = [
    ClearOutput,
    DeduplicateIds,
    OverwriteKernelspec,
    RestoreCells,
    OverwriteCells,
    CheckCellMetadata,
]

# A loop that prints must not fill the disk.
c.LimitOutput.max_lines = 500
c.LimitOutput.max_traceback = 50
