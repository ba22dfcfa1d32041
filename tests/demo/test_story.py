"""The story is the same each time, and hangs together."""

from datetime import timedelta

from referral_platform.demo import cast
from referral_platform.demo.story import Buy, Enrol, GiveBack, SignUp, Visit, story


def test_the_same_seed_tells_the_same_story() -> None:
    assert story() == story()
    assert story() != story(seed=1)


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
    assert len(joined) == 60


def test_people_have_names_and_addresses_of_their_own() -> None:
    numbers = range(2_000)
    assert len({cast.full_name(number) for number in numbers}) == 2_000
    assert len({cast.address(number) for number in numbers}) == 2_000
    assert cast.address(0) == "ana.albers.0@mail.example"
