"""The story is the same each time, and hangs together."""

from collections import Counter
from datetime import timedelta

from referral_platform.demo import cases, cast
from referral_platform.demo.scenes import Buy, Enrol, GiveBack, SignUp, Visit
from referral_platform.demo.story import DAYS, story


def test_the_same_seed_tells_the_same_story() -> None:
    assert story() == story()
    assert story() != story(seed=1)
    assert story() != story(first_weekday=3)


def test_it_grows_and_is_busiest_at_the_weekend() -> None:
    visits = [scene.after.days for scene in story() if isinstance(scene.action, Visit)]
    visits = [day for day in visits if day < DAYS]
    months = Counter(day * 6 // DAYS for day in visits)
    assert [months[number] for number in range(6)] == sorted(months.values())
    weekdays = Counter(day % 7 for day in visits)
    assert min(weekdays[5], weekdays[6]) > max(weekdays[day] for day in range(4))


def test_everything_refers_to_what_came_before() -> None:
    joined: set[int] = set()
    visits: set[int] = set()
    orders: dict[int, int] = {}
    scenes = story()
    assert [scene.after for scene in scenes] == sorted(scene.after for scene in scenes)
    for scene in scenes:
        match scene.action:
            case Enrol(person=person):
                assert scene.after > timedelta(hours=8)
                joined.add(person)
            case Visit(key=key, participant=participant):
                assert participant in joined
                visits.add(key)
            case SignUp(visit=visit):
                assert visit in visits
            case Buy(order=order, amount_minor=amount, visit=visit, code_of=code_of):
                assert visit is None or visit in visits
                assert code_of is None or code_of in joined
                orders[order] = amount
            case GiveBack(order=order, percent=percent):
                assert 0 < orders[order] * percent // 100 <= orders[order]
    assert len(joined) == 404


def test_people_have_names_and_addresses_of_their_own() -> None:
    numbers = range(2_000)
    assert len({cast.full_name(number) for number in numbers}) == 2_000
    assert len({cast.address(number) for number in numbers}) == 2_000
    assert cast.address(0) == "ana.albers@mail.example"


def test_frauds_and_those_who_look_like_them_are_labelled() -> None:
    orders = {scene.action.order: scene.action for scene in story() if isinstance(scene.action, Buy)}
    buys = [scene for scene in story() if isinstance(scene.action, Buy)]
    assert len(orders) == len(buys)
    labels = Counter(buy.label for buy in orders.values())
    assert labels["fraud"] == 48
    assert labels["fine"] > 500
    # The shop's webhooks carry no label, and would not be measured.
    assert all(not buy.shop for buy in orders.values() if buy.label == "fraud" or buy.traces)
    own = [scene for scene in buys if isinstance(scene.action, Buy) and scene.action.order < 5_000]
    assert all(scene.action.person < 1_700 for scene in own if isinstance(scene.action, Buy))
    assert all(each.order in orders for each in cases.RULINGS)
    ruled = {each.order: each.status for each in cases.RULINGS}
    assert {orders[order].label for order, status in ruled.items() if status == "approved"} == {"fine"}
    assert {orders[order].label for order, status in ruled.items() if status == "rejected"} == {"fraud"}


def test_made_up_addresses_at_real_providers_are_nobodys() -> None:
    for person, address in cases.EMAILS.items():
        name, _, host = address.partition("@")
        assert host in ("gmail.com", "googlemail.com", "mailinator.com"), person
        # Gmail gives out names of thirty letters at most, and anybody may read mail at mailinator.
        assert host == "mailinator.com" or len(name.partition("+")[0].replace(".", "")) > 30
