"""A probe of a tenant: what no public page says of Gainsight is asked, and compared with what is assumed here.

`facts` is the table of questions, `probe` a probe under way, `flow` goes through the table and deletes the companies
again, `told` is what may be told of it all to others. Only `driving` waits and reads the clock; it is given what sends.
"""

from gainsight_dest.probing.driving import drive
from gainsight_dest.probing.facts import FACTS, Fact
from gainsight_dest.probing.flow import clean_up, probe_flow
from gainsight_dest.probing.probe import Probe
from gainsight_dest.probing.told import Comparison, Verdict, as_data, compared, mark_in

__all__ = [
    "FACTS",
    "Comparison",
    "Fact",
    "Probe",
    "Verdict",
    "as_data",
    "clean_up",
    "compared",
    "drive",
    "mark_in",
    "probe_flow",
]
