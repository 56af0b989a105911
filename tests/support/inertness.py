"""Texts that run a script where they are shown carelessly, and a browser that notices."""

from contextlib import contextmanager

#: Each calls `ran` with its number where it runs.
PAYLOADS = {
    "script": "<script>ran('script')</script>",
    "onerror": "<img src=nowhere onerror=\"ran('onerror')\">",
    "svg": "<svg onload=\"ran('svg')\"><script>ran('svg')</script></svg>",
    "link": "[read this](javascript:ran('link'))",
    "html link": "<a href=\"java&#9;script:ran('html link')\">read this</a>",
    "iframe": "<iframe srcdoc=\"<script>parent.ran('iframe')</script>\"></iframe>",
    "data": "<iframe src=\"data:text/html,<script>ran('data')</script>\"></iframe>",
    "details": "<details open ontoggle=\"ran('details')\">x</details>",
    "closing": "--></textarea></pre></code></title></style><script>ran('closing')</script>",
    "formula": "$\\text{<img src=nowhere onerror=\"ran('formula')\">}$",
    "mutation": '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 '
    "onerror=ran('mutation')&gt;\">",
    "focus": "<input autofocus onfocus=\"ran('focus')\">",
    "form": "<form action=\"javascript:ran('form')\"><button>send</button></form>",
}
EVERYTHING = "\n\n".join(PAYLOADS.values())


@contextmanager
def watched(browser):
    """Give a function that opens a file, presses all there is to press, and returns what ran."""
    context = browser.new_context()
    page = context.new_page()
    ran = []
    page.expose_function("ran", lambda name: ran.append(name))
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    page.route("http*://**", lambda route: (ran.append(route.request.url), route.abort()))

    def look(path, allowed=()):
        ran.clear()
        page.goto(path.as_uri())
        for element in page.query_selector_all("a[href^='j' i], summary, button"):
            if element.is_visible():
                element.click(no_wait_after=True)
        page.wait_for_timeout(200)
        return sorted({one for one in ran if not one.startswith(tuple(allowed) or ("\0",))})

    yield look
    context.close()
