# One static binary, run by nobody in particular, and nothing else: no shell, no libc, no CA bundle.
# It builds with BuildKit and with the classic builder, so it uses nothing that only one of them has.
ARG GO_IMAGE=golang:1.26-alpine

# What does not change from build to build comes first: then only the last COPY is ever done again.
FROM scratch AS base
USER 10001:10001
# Where `/peer health`, `/peer send` and `/peer status`, run in this container, find the peer.
ENV PEER_HTTP=127.0.0.1:7070
HEALTHCHECK --interval=5s --timeout=2s CMD ["/peer", "health"]
ENTRYPOINT ["/peer"]

# For tests that rebuild all the time: `--target prebuilt`, with a folder as the context that is the
# image's whole file system: /peer, built outside, and /etc/nsswitch.conf as below. A third of a second.
FROM base AS prebuilt
COPY . /

FROM ${GO_IMAGE} AS build
ENV CGO_ENABLED=0
WORKDIR /src
COPY go.mod go.sum ./
# What takes long to compile, before the sources come: then an edit compiles peer/ and no more. And
# unlike `go mod download` it fetches nothing that only the lab and the tests use.
RUN go build -trimpath \
	go.opentelemetry.io/contrib/bridges/otelslog \
	go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc \
	go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc \
	go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc
COPY peer ./peer
# /etc/hosts knows a container's own address by its id alone. DNS first, and reverse DNS gives the
# name that compose chose (PROJECT-peer-3), by which people know this peer.
RUN mkdir -p /image/etc && echo 'hosts: dns files' >/image/etc/nsswitch.conf \
	&& go build -trimpath -ldflags='-s -w' -o /image/peer ./peer

FROM base
COPY --from=build /image /
