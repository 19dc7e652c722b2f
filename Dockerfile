# The binary alone, on a small Debian, as an unprivileged user. The database is another container: see compose.yaml.
FROM rust:1.95-bookworm AS build
WORKDIR /provost
COPY . .
RUN cargo build --release --locked --no-default-features

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --no-create-home provost
COPY --from=build /provost/target/release/provost /usr/local/bin/provost
USER provost
ENV PROVOST_LISTEN=0.0.0.0:8080 PROVOST_LOG_FORMAT=json
EXPOSE 8080
ENTRYPOINT ["provost"]
