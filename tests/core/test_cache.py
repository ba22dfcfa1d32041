"""The cache without Redis: a miss, never an error; with Redis: a cache."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.cache.backends.redis import RedisCache

from core.cache import ForgivingRedisCache
from core.ids import new_public_id

NOWHERE = "redis://127.0.0.1:1/0"
OPTIONS = {"OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1}}


def test_without_redis_every_operation_answers_as_for_an_empty_cache(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = ForgivingRedisCache(NOWHERE, OPTIONS)
    assert away.get("key") is None
    assert away.get("key", "default") == "default"
    assert away.set("key", 1) is None
    assert away.add("key", 1) is True
    assert away.touch("key") is False
    assert away.delete("key") is False
    assert away.has_key("key") is False
    assert "key" not in away
    assert away.get_many(["key", "other"]) == {}
    assert away.set_many({"key": 1}) == []
    assert away.delete_many(["key"]) is None
    assert away.incr("key") == 1
    assert away.incr("key", 5) == 5
    assert away.clear() is False
    assert away.get_or_set("key", lambda: "made") == "made"
    assert "cache is away, get skipped" in caplog.text


def test_with_redis_it_is_a_plain_cache() -> None:
    cache = ForgivingRedisCache(settings.REDIS_URL, OPTIONS)
    key = new_public_id("key")
    assert cache.add(key, 1, timeout=30) is True
    assert cache.add(key, 2, timeout=30) is False
    assert cache.get(key) == 1
    assert cache.incr(key) == 2
    assert cache.has_key(key) is True
    assert cache.get_many([key]) == {key: 2}
    assert cache.touch(key, 30) is True
    assert cache.delete(key) is True
    assert cache.get(key, "gone") == "gone"
    with pytest.raises(ValueError, match="not found"):
        cache.incr(key)


def test_only_a_lost_connection_is_forgiven() -> None:
    cache = ForgivingRedisCache(settings.REDIS_URL, OPTIONS)
    with pytest.raises(TypeError):
        cache.set("key", lambda: None, unknown=True)
    assert issubclass(ForgivingRedisCache, RedisCache)
