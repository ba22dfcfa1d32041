"""The cache, which is never worth an error: without Redis everything still works, only slower."""

import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError, TimeoutError

logger = logging.getLogger(__name__)


class ForgivingRedisCache(RedisCache):
    """Redis, except that a lost connection reads as a miss; rate limits then let requests through."""

    def _forgive(self, name: str, default: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(), name)(*args, **kwargs)
        except (ConnectionError, TimeoutError) as error:
            logger.warning("cache is away, %s skipped: %s", name, error)
            return default

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._forgive("add", True, *args, **kwargs)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._forgive("get", default, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._forgive("set", None, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._forgive("touch", False, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._forgive("delete", False, *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._forgive("get_many", {}, *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._forgive("has_key", False, *args, **kwargs)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> Any:
        return self._forgive("incr", delta, key, delta, version)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._forgive("set_many", [], *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._forgive("delete_many", None, *args, **kwargs)

    def clear(self) -> Any:
        return self._forgive("clear", False)
