"""The nbgrader course. Every command of nbgrader is run in this folder."""

c = get_config()  # noqa: F821  nbgrader defines it

c.CourseDirectory.course_id = "dlcourse"

# Training a small network takes ten seconds on an idle machine; allow for a slow and busy one.
c.Execute.timeout = 300
# After it the cell is interrupted, and if that does not help within this time, given up.
c.Execute.interrupt_on_timeout = True
c.Execute.startup_timeout = 120

# Test cells that were deleted come back; those that were edited always do.
c.OverwriteCells.add_missing_cells = True

# A loop that prints must not fill the disk.
c.LimitOutput.max_lines = 500
c.LimitOutput.max_traceback = 50

# Learners see that there are hidden tests, not what they are; the feedback does not show them.
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
c.GenerateFeedback.force = True
