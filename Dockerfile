# docker build --tag mailing-groups .
FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
# The authorities for connections to PostgreSQL and to issuers of tokens.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/mailing-groups /usr/local/bin/
USER 65532:65532
# The flags are variables, as `mailing-groups serve --help` says. A database is needed:
# MAILING_GROUPS_DATABASE_URL or MAILING_GROUPS_DATABASE_URL_FILE.
ENV MAILING_GROUPS_LISTEN=0.0.0.0:50051 MAILING_GROUPS_HTTP_LISTEN=0.0.0.0:9090
EXPOSE 50051 9090
ENTRYPOINT ["mailing-groups"]
CMD ["serve"]
