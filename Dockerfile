# RudderStack's transformer for Gainsight, as a service: docker build -t gainsight-dest . && docker run -p 9090:9090 gainsight-dest
FROM python:3.13-slim AS build
COPY . /src
RUN pip wheel --no-cache-dir --wheel-dir /wheels "/src[cli,serve]"

FROM python:3.13-slim
# Threads that each keep memory of their own would hold three times as much, for no gain.
ENV MALLOC_ARENA_MAX=2 PYTHONUNBUFFERED=1
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links /wheels "gainsight-dest[cli,serve]" && rm -r /wheels \
    && useradd --no-create-home --shell /usr/sbin/nologin --uid 10001 gainsight
# By its number: of a name Kubernetes cannot tell that it is not root.
USER 10001
EXPOSE 9090
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9090/health', timeout=3)"]
ENTRYPOINT ["gainsight-dest", "serve", "--host", "0.0.0.0"]
CMD ["--workers", "2"]
