# The binary alone on a distroless base: no shell, no package manager, a user without rights.
#
#   docker build -t squall .
#   docker run --rm -v "$PWD:/data" --user "$(id -u)" squall run scenarios/viral-spike.yaml --sim
#   docker run --rm -p 8080:8080 -v "$PWD/gateway.yaml:/data/gateway.yaml:ro" squall gateway --config gateway.yaml
#
# Both stages are Debian 12, so that the binary finds the C library that it was linked with.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package squall \
    && install -D target/release/squall /out/squall

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/squall /usr/local/bin/squall
# Where relative paths of the command line are looked for: mount files here.
WORKDIR /data
# PID 1 is the binary: SIGTERM begins its drain, and a second one ends it at once.
ENTRYPOINT ["/usr/local/bin/squall"]
CMD ["--help"]
