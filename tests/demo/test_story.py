"""The story is the same each time, and hangs together."""

from collections import Counter
from datetime import timedelta

from referral_platform.demo import cast
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
