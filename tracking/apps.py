from django.apps import AppConfig


class TrackingConfig(AppConfig):
    name = "tracking"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Open the file of countries, so that a wrong one is found before the first click."""
        from tracking.places import load_file

        load_file()
