"""Settings, all of them from the environment; `.env.example` lists the names and README explains them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from referral_platform.local import addresses

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
# Where no address is given, the embedded servers of this checkout answer.
_embedded = any(not os.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL"))
local = addresses.load() if _embedded else {}


def setting(name: str) -> str:
    """Return an environment variable that is not empty, else what the embedded servers wrote."""
    found = os.environ.get(name) or local.get(name.lower())
    if not found:
        raise ImproperlyConfigured(f"{name} is not set; .env.example shows its form.")
    return found


DEBUG = env.bool("DEBUG", default=bool(local))
SECRET_KEY = setting("SECRET_KEY")
HASH_KEY = setting("HASH_KEY")
CREDENTIALS_KEYS = [key for key in setting("CREDENTIALS_KEYS").split(",") if key]
BASE_URL = env.str("BASE_URL", default=f"http://127.0.0.1:{env.str('WEB_PORT', default='8000')}").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"] if DEBUG else [])
# Beside ALLOWED_HOSTS, the hosts on which all workspaces' links are; every other one is a workspace's own.
SHARED_HOSTS = frozenset({urlsplit(BASE_URL).hostname or ""})
CSRF_TRUSTED_ORIGINS = [BASE_URL]
_SECURE = BASE_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "rest_framework",
    "django_filters",
    "django_tables2",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "core",
    "accounts",
    "programs",
    "tracking",
    "rewards",
    "engagement",
    "integrations",
    "analytics",
    "referral_platform",
]

MIDDLEWARE = [
    "core.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "referral_platform.own_hosts.OwnHostMiddleware",
    "core.middleware.ReaderMiddleware",
    # Pads what it compresses, so that its length tells nothing of the secrets in a page.
    "django.middleware.gzip.GZipMiddleware",
    "core.middleware.BodyLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "core.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "referral_platform.urls"
WSGI_APPLICATION = "referral_platform.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.console",
            ],
            "builtins": ["core.templatetags.display", "core.templatetags.pictures"],
        },
    }
]

# The application's role owns nothing; only commands that change or count the tables connect as the owner.
_runtime = env.db_url_config(setting("DATABASE_URL"))
# A database given from outside has no owner among the embedded servers' roles.
_owner = env.db_url_config(
    os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_URL") or setting("DATABASE_OWNER_URL")
)
DATABASE_RUNTIME_ROLE = _runtime["USER"]
DATABASE_OWNER: dict[str, Any] = {**_owner, "ENGINE": "django.db.backends.postgresql"}
_connect = _owner if os.environ.get("REFERRAL_DATABASE_ROLE") == "owner" else _runtime
DATABASES = {
    "default": {
        **_connect,
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_connect.get("OPTIONS", {}),
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20000,
            "application_name": env.str("APPLICATION_NAME", default="referral"),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = setting("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "core.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 1,
    "socket_timeout": 10,
    "max_retries": 0,
    "health_check_interval": 10,
}
CELERY_BEAT_SCHEDULE_FILENAME = str(BASE_DIR / "var" / "beat-schedule")
_TICK = env.float("SWEEP_SECONDS", default=5.0)
CELERY_BEAT_SCHEDULE = {
    "deliver events": {"task": "core.deliver_events", "schedule": _TICK, "options": {"expires": 30}},
    "release rewards": {"task": "rewards.release_due", "schedule": _TICK, "options": {"expires": 30}},
    "send messages": {"task": "engagement.send_messages", "schedule": _TICK, "options": {"expires": 30}},
    "read inbox": {"task": "integrations.read_inbox", "schedule": _TICK, "options": {"expires": 30}},
    "send webhooks": {"task": "integrations.send_webhooks", "schedule": _TICK, "options": {"expires": 30}},
    "ask about conversions": {
        "task": "integrations.ask_about_conversions",
        "schedule": _TICK,
        "options": {"expires": 30},
    },
    "run errands": {"task": "integrations.run_errands", "schedule": _TICK, "options": {"expires": 30}},
    "expire rewards": {
        "task": "rewards.expire_due",
        "schedule": 12 * _TICK,
        "options": {"expires": 60},
    },
    "tell of promotions": {
        "task": "programs.tell_of_promotions",
        "schedule": 12 * _TICK,
        "options": {"expires": 60},
    },
    "pay out": {"task": "integrations.pay_out", "schedule": _TICK, "options": {"expires": 30}},
    "recheck domains": {
        "task": "accounts.recheck_domains",
        "schedule": crontab(hour="4", minute="17"),
        "options": {"expires": 3600},
    },
    "make click months": {
        "task": "tracking.make_click_months",
        "schedule": crontab(hour="3", minute="41"),
        "options": {"expires": 3600},
    },
    "import exchange rates": {
        "task": "rewards.import_rates",
        "schedule": crontab(hour="*/4", minute="23"),
        "options": {"expires": 3600},
    },
    "check books asked for": {"task": "rewards.check_books", "schedule": _TICK, "options": {"expires": 30}},
    "check all books": {
        "task": "rewards.check_all_books",
        "schedule": crontab(hour="2", minute="23"),
        "options": {"expires": 3600},
    },
    "rebuild figures": {
        "task": "analytics.rebuild_recent",
        "schedule": 12 * _TICK,
        "options": {"expires": 60},
    },
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"signup": "accounts.sign_up.SignUpForm"}
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _SECURE else "http"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
# Made by collectstatic in the container; without it the files are served from where they are.
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Collected files carry a hash of their content in their names and lie there compressed as well.
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if STATIC_ROOT
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = not STATIC_ROOT
WHITENOISE_AUTOREFRESH = DEBUG and not STATIC_ROOT

EMAIL_FILE_PATH = Path(env.str("MAIL_DIR", default="") or BASE_DIR / "var" / "mail")
if env.str("EMAIL_URL", default=""):
    _mail = env.email_url_config(env.str("EMAIL_URL"))
    EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
    EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"], _mail["EMAIL_PORT"]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"], _mail["EMAIL_HOST_PASSWORD"]
    EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
else:
    EMAIL_BACKEND = "core.mail.FileBackend"
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Referral platform <referrals@localhost>")

DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
UPLOAD_MAX_BYTES = 5_000_000

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_NAME = "__Host-session" if _SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if _SECURE else "csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31_536_000 if _SECURE else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _SECURE else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
# Addresses that outbound webhooks may reach besides public ones (development and tests use loopback).
OUTBOUND_ALLOW_NETWORKS = env.list("OUTBOUND_ALLOW_NETWORKS", default=[])
# Name servers that prove the workspaces' own domains, `address:port`; the machine's own where none is named.
DNS_SERVERS = env.list("DNS_SERVERS", default=[])
# Where the European Central Bank's exchange rates of the last 90 days are fetched from; empty: from nowhere.
RATES_URL = env.str(
    "RATES_URL", default="https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist-90d.xml"
).strip()
OUTBOUND_ALLOW_PORTS = [int(port) for port in env.list("OUTBOUND_ALLOW_PORTS", default=["80", "443", "8443"])]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "core.api.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "core.api.exception_handler",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.authentication.KeyRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"key": env.str("API_RATE", default="6000/min")},
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Referral platform API",
    "VERSION": "1",
    "DESCRIPTION": "Track clicks, leads and sales; read what was credited, to whom, and why; pay rewards.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "DomainStatus": [("pending", "pending"), ("verified", "verified")],
        "ItemStatus": [("created", "created"), ("failed", "failed")],
        "ProgramStatus": "programs.models.Program.Status",
        "ParticipantStatus": "programs.models.Participant.Status",
        "ExperimentStatus": "programs.models.Experiment.Status",
        "LinkStatus": "programs.models.Link.Status",
        "ConversionStatus": "tracking.models.Conversion.Status",
        "ReferralStatus": "tracking.models.Referral.Status",
        "FraudCaseStatus": "tracking.models.FraudCase.Status",
        "FraudListMode": "tracking.models.FraudListEntry.Mode",
        "FraudListKind": "tracking.models.FraudListEntry.Kind",
        "KindEnum": "programs.models.Program.Kind",
        "ModeEnum": [("async", "async"), ("wait", "wait")],
        "RewardStatus": "rewards.models.Reward.Status",
        "PayoutBatchStatus": "rewards.models.PayoutBatch.Status",
        "PayoutStatus": "rewards.models.Payout.Status",
        "WebhookEndpointStatus": "integrations.models.WebhookEndpoint.Status",
        "DeliveryState": "core.queue.QueueRow.State",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "core.middleware.RequestIdFilter"}},
    "formatters": {
        "line": {
            "()": "core.log_lines.LineFormatter",
            "format": "%(levelname)s %(name)s [%(request_id)s] %(message)s",
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}
    },
    # Each tick of the clock is no news; what a task did, it says itself.
    "loggers": {
        **{
            name: {"level": "WARNING"}
            for name in ("celery.app.trace", "celery.beat", "celery.worker.strategy")
        },
        # The web server's lines of requests: paths hold mailed secrets, and peers are people's addresses.
        "granian.access": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}

# Whose word on a click's country is taken: the CDN's header, which nobody else can set, and a .mmdb file.
TRUSTED_COUNTRY_HEADER = env.str("TRUSTED_COUNTRY_HEADER", default="CF-IPCountry")
GEOIP_FILE = env.str("GEOIP_FILE", default="")
# The click entry.
CLICK_SPOOL_DIR = Path(env.str("CLICK_SPOOL_DIR", default="") or BASE_DIR / "var" / "clicks")
CLICK_SPOOL_BYTES = env.int("CLICK_SPOOL_BYTES", default=1 << 30)
VISITOR_DAYS = env.int("VISITOR_DAYS", default=400)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
# Each of them keeps a connection to Postgres; the web server's own threads only wait.
WEB_THREADS = env.int("WEB_THREADS", default=4)
