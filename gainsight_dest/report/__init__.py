"""What becomes of events, as one page: an HTML file that loads nothing and sends nothing (extra `report`).

```python
summary = Profile()
for event in events:
    summary.add(explain(event, config))
Path("report.html").write_text(page(summary, lint(config)), "utf8")
```
"""

from gainsight_dest.report.page import page

__all__ = ["page"]
