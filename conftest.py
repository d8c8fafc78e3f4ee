"""What a comparison of notebooks leaves out: pictures and widgets, by mime type. Every printed number counts."""


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):  # nbval's notebook collector
        collector.skip_compare += ("application/vnd.plotly.v1+json", "image/svg+xml", "image/png")
