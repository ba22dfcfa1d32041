"""The click entry in front of Django: as fast as a redirect can be that is stored before it is answered."""

from tracking.entry.front import ClickEntry

__all__ = ["ClickEntry"]
