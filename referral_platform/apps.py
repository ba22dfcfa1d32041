from django.apps import AppConfig


class PlatformConfig(AppConfig):
    name = "referral_platform"
    verbose_name = "Referral platform"

    def ready(self) -> None:
        """Install the tables that wire the apps together; a wrong name stops the start."""
        from accounts.queries import suspended_workspace_ids
        from core import answers, events, queue
        from referral_platform.celery import wake
        from referral_platform.subscriptions import ANSWER_PARTS, SUBSCRIPTIONS

        events.configure(SUBSCRIPTIONS, waker=wake)
        answers.configure(ANSWER_PARTS)
        queue.configure(paused=suspended_workspace_ids)
