"""The service reads of an item only its message where it can: what it answers is what the functions would."""

from __future__ import annotations

import json
from typing import Any

import falcon
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.rudderstack import processor, router
from gainsight_dest.rudderstack.app import answer_of_processor, answer_of_router, encoded
from tests.rudderstack.bodies import Whim, bodies, whims
from tests.rudderstack.rudder import item, never
from tests.some import identify, track


def text(value: Any) -> bytes | None:
    try:
        return json.dumps(value, allow_nan=False).encode()
    except ValueError:
        return None


def plain(answer: Any) -> Any:
    return json.loads(json.dumps(answer))


@pytest.mark.parametrize("odd", [{"metadata": {}}, {"metadata": 7}, {"destination": None}])
def test_an_item_of_another_form_is_answered_as_by_the_functions(odd: dict[str, Any]) -> None:
    given_items = [{**item(identify()), **odd}, item(track())]
    assert plain(answer_of_processor(json.dumps(given_items).encode(), never)) == plain(processor(given_items, never))


@given(bodies, whims, st.booleans())
def test_the_service_answers_what_the_functions_would(body: dict[str, Any], whim: Any, together: bool) -> None:
    given_text = text(body)
    if given_text is None:
        with pytest.raises(falcon.HTTPBadRequest):
            answer_of_router(json.dumps(body).encode(), Whim(*whim), batch=together)
        return
    routed = encoded(answer_of_router(given_text, Whim(*whim), batch=together))
    assert json.loads(routed) == plain(router(json.loads(given_text), Whim(*whim), batch=together))
    listed = text(body["input"])
    assert listed is not None
    processed = encoded(answer_of_processor(listed, Whim(*whim)))
    assert json.loads(processed) == plain(processor(json.loads(listed), Whim(*whim)))
