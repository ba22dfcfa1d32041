"""What each label of many journeys is worth, read off all of them together: Markov and Shapley. Pure.

A label is a channel or a participant. A journey is the labels one customer met, in order of time, and
whether it ended in a conversion. The models of `tracking.attribution` share out one conversion by a rule that
somebody chose; these two look at all journeys at once. They are reports: nothing is paid by them.
"""

from analytics.attribution_values.journeys import REST, Journey, share_out
from analytics.attribution_values.markov import MOST_STATES, Chain, markov_values
from analytics.attribution_values.shapley import Coalitions, shapley_values

__all__ = [
    "MOST_STATES",
    "REST",
    "Chain",
    "Coalitions",
    "Journey",
    "markov_values",
    "shapley_values",
    "share_out",
]
