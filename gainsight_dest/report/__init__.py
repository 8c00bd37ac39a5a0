"""The page of a profile: an HTML file that loads nothing and sends nothing (extra `report`).

```python
profile = Profile()
for event in events:
    profile.add(explain(event, config))
Path("report.html").write_text(page(profile, lint(config)), "utf8")
```
"""

from gainsight_dest.report.page import page

__all__ = ["page"]
