"""Time that tests control: shifted, it makes old and future events; stopped, it makes simultaneous ones."""

import time

from stripe_simulator.tests.shop import Shop


def test_a_session_expires_when_its_day_is_over(shop: Shop) -> None:
    session = shop.open()
    shop.simulate("clock", offset_s=24 * 3600 - 60)
    assert shop.session(session).status == "open"
    shop.simulate("clock", offset_s=24 * 3600 + 60)
    assert shop.session(session).status == "expired"
    assert shop.types_about(session.id) == ["checkout.session.expired"]
    assert shop.sim(f"sessions/{session.id}/pay").status_code == 400


def test_events_can_be_old_or_in_the_future(shop: Shop) -> None:
    for offset_s in (-20 * 24 * 3600, 3600):
        shop.simulate("clock", offset_s=offset_s)
        session = shop.pay(shop.open())
        [completed] = shop.events_about(session.id)
        assert abs(completed["created"] - (time.time() + offset_s)) < 60
        assert abs(session.created - (time.time() + offset_s)) < 60
        charge = shop.get("charges", limit="1", **{"created[gte]": str(completed["created"] - 60)})
        assert len(charge["data"]) == 1


def test_events_are_listed_for_thirty_days(shop: Shop) -> None:
    event = shop.events_about(shop.pay(shop.open()).id)[0]["id"]
    shop.simulate("clock", offset_s=30 * 24 * 3600 - 60)
    assert shop.get(f"events/{event}")["id"] == event
    shop.simulate("clock", offset_s=30 * 24 * 3600 + 60)
    assert event not in [listed["id"] for listed in shop.get("events", limit="100")["data"]]
    assert shop.http.get(f"/v1/events/{event}").status_code == 404
    after = shop.http.get("/v1/events", params={"starting_after": event})
    assert (after.status_code, after.json()["error"]["code"]) == (400, "resource_missing")


def test_a_stopped_clock_makes_everything_simultaneous(shop: Shop) -> None:
    moment = shop.simulate("clock", stopped=True)["now"]
    session = shop.pay(shop.open())
    assert {event["created"] for event in shop.events_about(session.id)} == {moment}
    running = shop.simulate("clock")
    assert (running["offset_s"], running["stopped"]) == (0, False)


def test_wrong_settings_are_refused(shop: Shop) -> None:
    assert shop.sim("clock", offset_s="yesterday").status_code == 400
    assert shop.sim("clock", stopped="yes").status_code == 400
    for wrong in ({"refund_status": "lost"}, {"search_lag_s": -1}, {"adaptive_pricing": 1}, {"settlement_rate": "x"}):
        assert shop.sim("behavior", **wrong).status_code == 400
    assert shop.sim("tax", percent=101).status_code == 400


def test_a_reset_makes_it_kind_again_and_keeps_the_objects(shop: Shop) -> None:
    before = shop.http.get("/_sim/state").json()
    shop.simulate("behavior", refund_status="pending")
    shop.simulate("clock", stopped=True, offset_s=5)
    shop.simulate("faults", status=500)
    shop.simulate("webhooks", mode="drop")
    shop.simulate("tax", percent=5)
    after = shop.simulate("reset")
    assert {**after, "clock": None} == {**before, "clock": None}
    assert (after["clock"]["offset_s"], after["clock"]["stopped"]) == (0, False)


def test_the_state_shows_all_of_it(shop: Shop) -> None:
    shop.simulate("behavior", refund_status="pending", search_lag_s=2)
    state = shop.http.get("/_sim/state").json()
    assert state["behavior"] == shop.http.get("/_sim/behavior").json()
    assert (state["behavior"]["refund_status"], state["behavior"]["search_lag_s"]) == ("pending", 2.0)
    assert state["objects"]["price"] >= 1
    assert state["webhooks"]["idle"]
