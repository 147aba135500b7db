# One image for every part; docker-compose.yml gives each its command.
FROM python:3.12-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    HOMEBROKER_DATA_DIR=/data

WORKDIR /app
COPY requirements.txt ./
RUN pip install uv==0.13.9 && uv pip install --system -r requirements.txt

COPY pyproject.toml requirements.in README.md ./
COPY engine engine
COPY api api
COPY dashboard dashboard
COPY homebroker homebroker
COPY bench bench
COPY notebooks notebooks
RUN uv pip install --system --no-deps . \
    && useradd --create-home --uid 10001 homebroker \
    && mkdir /data && chown homebroker /data

USER homebroker
# Compiled for the processor that builds the image; another one compiles anew when the engine first starts.
RUN python -c 'from engine import warm_up; warm_up.main(print)'
VOLUME /data
ENTRYPOINT ["homebroker"]
CMD ["status"]
