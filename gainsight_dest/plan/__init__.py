"""What a sample of events costs in calls, one by one and merged, and what of it fits a tenant's limits.

```python
load = Load()
for event in events:
    load.add(event, config)
print(plan(load).verdict)
```

The arithmetic is that of a batch which Gainsight takes as it is: a call for each person, two for each fifty companies,
one for each track event, in each window of time. Pure: it sends nothing, and reads no clock.
"""

from gainsight_dest.plan.days import Way
from gainsight_dest.plan.limits import Fit, Limits
from gainsight_dest.plan.load import WINDOWS, Load, MergedCalls, Span
from gainsight_dest.plan.verdict import CALLS_OF_A_SENDER, Plan, plan

__all__ = ["CALLS_OF_A_SENDER", "WINDOWS", "Fit", "Limits", "Load", "MergedCalls", "Plan", "Span", "Way", "plan"]
