"""The nbgrader course. Every command of nbgrader is run in this folder."""

c = get_config()  # noqa: F821  nbgrader defines it

c.CourseDirectory.course_id = "dlcourse"

# Answers, comments and messages are shown as text: no browser runs what a learner wrote.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {"markdown2html": "dlcourse.grading.inert.to_html"}
c.HTMLExporter.preprocessors = ["dlcourse.grading.inert.Names"]
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
